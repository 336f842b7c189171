"""The tables of the asking itself (LEDGER.md §2, §3). All datetimes are in UTC."""

import time
from typing import ClassVar

from django.db import models


class LookedUpName(models.Model):
    """A name that was asked live in HotWax's log: when, and what came back."""

    class Answer(models.TextChoices):
        IN_LOG = "in_log", "In the log"
        UNKNOWN = "unknown", "Not in the log"
        CANNOT_ASK = "cannot_ask", "Could not be asked"

    name_key = models.CharField(max_length=255, unique=True)
    asked_at = models.DateTimeField()
    answer = models.CharField(max_length=10, choices=Answer, default=Answer.CANNOT_ASK)

    def __str__(self) -> str:
        return f"{self.name_key}: {self.answer}"


class RequestSlot(models.Model):
    """One request of a budget: when it was last used, null if never (sync/budgets.py)."""

    budget = models.CharField(max_length=20)
    number = models.PositiveSmallIntegerField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint("budget", "number", name="one_row_per_budget_and_number"),
        )

    def __str__(self) -> str:
        return f"{self.budget} {self.number}"


class SyncEvent(models.Model):
    """Something that happened to the asking, for the status page; the last 200 are kept."""

    class Kind(models.TextChoices):
        FAILED = "failed", "Failed"
        RECOVERED = "recovered", "Answers again"
        MODE = "mode", "Mode"
        SCANNED = "scanned", "Scan"
        DERIVED = "derived", "Read again"

    at = models.DateTimeField()
    kind = models.CharField(max_length=10, choices=Kind)
    text = models.CharField(max_length=600)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


def first_revision() -> int:
    """Return the revision of a new ledger: no earlier ledger in its place has come so far.

    Seconds since 1970; a ledger does not change more than once a second for long.
    """
    return int(time.time())


class SyncState(models.Model):
    """How the asking goes: one row, shared by every process. Counts are of log documents."""

    class Mode(models.TextChoices):
        """How documents are asked for; empty until HotWax's answers decide it."""

        UNDECIDED = "", "Not decided yet"
        RANGE = "range", "By range and sort on timestamp"
        COMPATIBLE = "compatible", "Page by page, without range or sort"

    class Step(models.TextChoices):
        """What a syncer does next; each step is one request, or a few."""

        DERIVE = "derive", "Reading every kept document again"
        FIRST = "first", "First reply"
        NAMES = "names", "Under which names are the fields?"
        INSIDE = "inside", "Does a range find what is in it?"
        OUTSIDE = "outside", "Does a range leave out what is not?"
        DATED = "dated", "Backfill, newest first"
        UNDATED = "undated", "Documents without a timestamp"
        CATCH_UP = "catch_up", "What was logged since"
        COUNT = "count", "How many documents are there?"
        SWEEP = "sweep", "Comparing the whole log"
        PAGE = "page", "The next page of the whole log"
        DONE = "done", "First load done"

    ONLY: ClassVar[int] = 1

    #: Which HotWax this ledger belongs to: URL, core and docType.
    instance = models.CharField(max_length=500, blank=True)
    #: The method that last brought an answer, and which one a page would try next.
    method = models.CharField(max_length=10, blank=True)
    next_method = models.PositiveSmallIntegerField(default=0)
    #: Names under which the first reply carried the value; empty = as documented.
    doc_type_field = models.CharField(max_length=100, blank=True)
    timestamp_field = models.CharField(max_length=100, blank=True)
    document_id_field = models.CharField(max_length=100, blank=True)
    order_name_field = models.CharField(max_length=100, blank=True)
    mode = models.CharField(max_length=10, choices=Mode, blank=True)
    mode_reason = models.CharField(max_length=300, blank=True)
    mode_decided_at = models.DateTimeField(null=True)
    #: The next step of the first load; `done` when every page of it was kept.
    step = models.CharField(max_length=10, choices=Step, default=Step.FIRST)
    #: A document seen in the first reply, for the two questions about ranges.
    probe_at = models.DateTimeField(null=True)
    probe_try = models.PositiveSmallIntegerField(default=0)
    watermark = models.DateTimeField(null=True)
    watermark_key = models.CharField(max_length=255, blank=True)
    overlap_seconds = models.PositiveIntegerField(default=300)
    #: Lower end of a catch-up that one page did not finish.
    catch_up_from = models.DateTimeField(null=True)
    caught_up_at = models.DateTimeField(null=True)
    #: Upper end (excluded) of the next page of the backfill; offset among the undated.
    backfill_cursor = models.DateTimeField(null=True)
    backfill_offset = models.PositiveIntegerField(default=0)
    #: When the first load was complete, and so every later figure.
    loaded_at = models.DateTimeField(null=True)
    #: A scan (compatible mode's, or a sweep): since when, how far, which try, what it found.
    scan_started_at = models.DateTimeField(null=True)
    scan_offset = models.PositiveIntegerField(default=0)
    scan_from = models.DateTimeField(null=True)
    scan_undated = models.BooleanField(default=False)
    scan_try = models.PositiveSmallIntegerField(default=0)
    scan_found = models.PositiveIntegerField(null=True)
    scan_ended_at = models.DateTimeField(null=True)
    scan_complete = models.BooleanField(default=False)
    scan_seconds = models.FloatField(default=0)
    sweep_due = models.BooleanField(default=False)
    #: HotWax's last numFound for the whole log, and when; our count of distinct documents.
    found = models.PositiveIntegerField(null=True)
    found_at = models.DateTimeField(null=True)
    count_due = models.BooleanField(default=False)
    differs_times = models.PositiveSmallIntegerField(default=0)
    kept = models.PositiveIntegerField(default=0)
    unreadable = models.PositiveIntegerField(default=0)
    asked_at = models.DateTimeField(null=True)
    last_step = models.CharField(max_length=10, choices=Step, blank=True)
    answered_at = models.DateTimeField(null=True)
    #: By how much our clock was ahead of HotWax's (its HTTP Date) at the last answer.
    clock_ahead_seconds = models.IntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True)
    last_remedy = models.CharField(max_length=300, blank=True)
    last_error_at = models.DateTimeField(null=True)
    back_off_until = models.DateTimeField(null=True)
    lease_owner = models.CharField(max_length=100, blank=True)
    lease_until = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    #: The OMS order index: a name seen in it, and how it is asked by name.
    oms_control = models.CharField(max_length=200, blank=True)
    oms_phrases = models.BooleanField(default=False)
    #: How many names a request asks for: fewer after an answer that was not complete.
    oms_names = models.PositiveSmallIntegerField(default=99)
    #: Names that alone get no complete answer -> when they are asked for again (ISO, UTC).
    oms_resting = models.JSONField(default=dict)
    oms_grouped = models.BooleanField(default=True)
    oms_asked_at = models.DateTimeField(null=True)
    oms_answered_at = models.DateTimeField(null=True)
    oms_failing_since = models.DateTimeField(null=True)
    oms_failures = models.PositiveIntegerField(default=0)
    #: It refuses us, or cannot be asked by name: worse than a failure that passes.
    oms_off = models.BooleanField(default=False)
    oms_error = models.CharField(max_length=500, blank=True)
    oms_remedy = models.CharField(max_length=300, blank=True)
    oms_back_off_until = models.DateTimeField(null=True)
    #: Fingerprint of the settings that columns were derived by; the last order derived anew.
    derived_by = models.CharField(max_length=64, blank=True)
    derive_cursor = models.PositiveBigIntegerField(default=0)
    #: What the last check of the connection found (a JSON list), and when.
    check_findings = models.TextField(blank=True)
    checked_at = models.DateTimeField(null=True)
    #: Rises with every change of rows; whoever keeps a figure may keep it until this changes.
    revision = models.PositiveBigIntegerField(default=first_revision)

    def __str__(self) -> str:
        return self.instance or "not synced yet"

    @classmethod
    def lock(cls) -> None:
        """Keep other writers of orders out until the end of the transaction.

        Every writer of orders does so first, so that no two wait for each other's orders.
        """
        cls.objects.filter(pk=cls.ONLY).update(revision=models.F("revision"))

    @classmethod
    def raise_revision(cls) -> None:
        """Tell that rows changed, and keep other writers out as ``lock`` does."""
        cls.objects.filter(pk=cls.ONLY).update(revision=models.F("revision") + 1)


class UnreadableDocument(models.Model):
    """Something in HotWax's log that could not be read: shown with its reason, never dropped."""

    sha256 = models.CharField(max_length=64, unique=True)
    raw = models.TextField()
    reason = models.CharField(max_length=300)
    seen_first_at = models.DateTimeField()
    seen_last_at = models.DateTimeField(db_index=True)
    left_log_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.reason
