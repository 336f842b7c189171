"""The ledger's tables (LEDGER.md §1). All datetimes are in UTC.

People work on orders; log documents are their attempts. Columns that hold what a document says
are derived from ``Attempt.raw`` and can be derived again.
"""

from datetime import datetime, timedelta

from django.db import models

from reconciler.hotwax.oms_orders import OmsOrder
from reconciler.ledger.signature_models import (
    Category,
    ErrorSignature,
    MaskedValue,
    Retry,
    RunbookRevision,
    SignatureAlias,
)
from reconciler.ledger.sync_models import (
    LookedUpName,
    RequestSlot,
    SyncEvent,
    SyncState,
    UnreadableDocument,
)
from reconciler.ledger.work_models import (
    SYSTEM,
    Action,
    Event,
    EventKind,
    Pack,
    PackBatch,
    PackOrder,
)

__all__ = [
    "EXCERPT_LENGTH",
    "FAILING_WITHIN",
    "SYSTEM",
    "Action",
    "Attempt",
    "Category",
    "DailyCount",
    "ErrorSignature",
    "Event",
    "EventKind",
    "FailedOrder",
    "LookedUpName",
    "MaskedValue",
    "OrderAlias",
    "Pack",
    "PackBatch",
    "PackOrder",
    "RequestSlot",
    "Retry",
    "RunbookRevision",
    "Shop",
    "ShopHost",
    "SignatureAlias",
    "State",
    "SyncEvent",
    "SyncState",
    "UnreadableDocument",
    "Verdict",
    "WaitingFor",
]

#: The list shows this much of an error; the order page shows all of it.
EXCERPT_LENGTH = 300
FAILING_WITHIN = timedelta(hours=24)
#: Attempts that HotWax's log still holds, as far as we know.
IN_LOG = models.Q(left_log_at=None)


class State(models.TextChoices):
    """Whose turn it is. Every order is open until triage changes it."""

    OPEN = "open", "Open"
    IN_PROGRESS = "in_progress", "In progress"
    WAITING = "waiting", "Waiting"
    RESOLVED = "resolved", "Resolved"
    IGNORED = "ignored", "Ignored"


class WaitingFor(models.TextChoices):
    """Whose turn it is while an order waits."""

    SHOP = "shop", "the shop"
    HOTWAX = "hotwax", "HotWax"


class Verdict(models.TextChoices):
    """Is the order in the OMS (LEDGER.md §4)? In the order in which sorting puts them."""

    DUPLICATE = "duplicate", "Twice"
    IMPORTED = "imported", "Yes"
    MISSING = "missing", "No"
    UNCHECKED = "unchecked", "Not asked yet"
    UNCONFIRMED = "unconfirmed", "Not certain"


class Shop(models.Model):
    """A Shopify store. ``key`` is its shop id where one is known, else its host, else "none"."""

    key = models.CharField(max_length=255, unique=True)
    #: The label before .myshopify.com, where one is known.
    handle = models.CharField(max_length=255, blank=True)
    #: What people see and what `data-shop` holds.
    name = models.CharField(max_length=300)
    #: `name`, so written that every database sorts it alike.
    sort_key = models.CharField(max_length=1100, db_index=True)

    class Meta:
        ordering = ("sort_key",)

    def __str__(self) -> str:
        return self.name


class ShopHost(models.Model):
    """A host under which a shop was seen."""

    shop = models.ForeignKey(Shop, models.CASCADE, related_name="hosts")
    host = models.CharField(max_length=300, db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint("shop", "host", name="one_row_per_shop_and_host"),)

    def __str__(self) -> str:
        return self.host


class FailedOrder(models.Model):
    """An order whose import failed, rolled up from its attempts, whatever order they came in."""

    shop = models.ForeignKey(Shop, models.PROTECT, related_name="orders")
    #: The order name, else "document:<document key>".
    order_key = models.CharField(max_length=255)
    #: As HotWax has it; empty without one.
    order_name = models.TextField(blank=True)
    #: The name without case and one leading "#", and what follows its last "#".
    name_key = models.CharField(max_length=255, db_index=True)
    name_tail = models.CharField(max_length=255, db_index=True)
    #: Sorts naturally; null without a name.
    name_sort_key = models.CharField(max_length=1100, null=True, db_index=True)  # noqa: DJ001
    site_url = models.TextField(blank=True)
    order_created_at = models.DateTimeField(null=True, db_index=True)
    first_attempted_at = models.DateTimeField(null=True)
    #: When the earliest attempt that we know was logged.
    first_failed_at = models.DateTimeField(null=True)
    #: `first` of the query string: first_attempted_at, else first_failed_at.
    first_at = models.DateTimeField(null=True, db_index=True)
    last_failed_at = models.DateTimeField(null=True, db_index=True)
    attempt_count = models.PositiveIntegerField(default=0, db_index=True)
    latest_document_key = models.CharField(max_length=255)
    signature = models.ForeignKey(ErrorSignature, models.PROTECT, related_name="orders")
    error_excerpt = models.CharField(max_length=EXCERPT_LENGTH + 1, blank=True)
    expires_at = models.DateTimeField(null=True, db_index=True)
    #: When its last attempt was found to have left HotWax's log.
    left_log_at = models.DateTimeField(null=True)
    left_log_reason = models.CharField(max_length=10, blank=True)
    state = models.CharField(max_length=12, choices=State, default=State.OPEN, db_index=True)
    #: Of waiting for whom (WaitingFor); of ignored until which day (ISO), "" until it fails again.
    state_detail = models.CharField(max_length=10, blank=True)
    #: When the state was set; null while it never was.
    state_at = models.DateTimeField(null=True)
    #: Who set the state: a user name, or SYSTEM; empty while nobody did.
    state_by = models.CharField(max_length=150, blank=True)
    #: It was resolved once, and opened again after that (an undo is no opening).
    was_resolved = models.BooleanField(default=False)
    was_reopened = models.BooleanField(default=False)
    #: It failed again after its state was set to resolved or ignored.
    failed_since = models.BooleanField(default=False)
    #: A person chose another state than resolved while the OMS had it: the program leaves it so.
    kept_open = models.BooleanField(default=False)
    #: User name of who has it; a text, so that it outlives the account. Null for nobody, which
    #: sorts last.
    assignee = models.CharField(max_length=150, null=True, blank=True)  # noqa: DJ001
    #: Rises with every change of state or owner.
    revision = models.PositiveIntegerField(default=0)
    verdict = models.CharField(max_length=11, choices=Verdict, default=Verdict.UNCHECKED)
    #: When the answer was asked for on which the verdict rests; null while there is none.
    verdict_at = models.DateTimeField(null=True)
    #: When it was first known to be in the OMS, of an order that was known to be missing before.
    arrived_at = models.DateTimeField(null=True)
    #: To be asked before its turn: it failed again, or its document was removed.
    asks_first = models.BooleanField(default=False, db_index=True)
    #: The OMS orders that prove the verdict, as OmsOrder writes them.
    oms_orders = models.JSONField(default=list, blank=True)
    #: The order's number in Shopify's addresses, by the OMS orders that prove the verdict. Null
    #: while there are none, and where they say different numbers.
    shopify_id = models.CharField(max_length=20, null=True, blank=True)  # noqa: DJ001
    #: Name and latest error without case, for `q`. Last, so that scans need not read past it.
    search_text = models.TextField()

    class Meta:
        constraints = (
            models.UniqueConstraint("shop", "order_key", name="one_row_per_shop_and_order"),
        )
        # For counts, which then need not read the rows themselves; and for names at intake.
        indexes = (
            models.Index(fields=("last_failed_at", "signature"), name="failed_by_signature"),
            models.Index(fields=("signature", "last_failed_at"), name="signature_by_failed"),
            models.Index(
                fields=(
                    "signature",
                    "shop",
                    "state",
                    "state_detail",
                    "failed_since",
                    "verdict",
                    "assignee",
                    "attempt_count",
                ),
                name="orders_by_facets",
            ),
            models.Index(
                fields=("first_at", "signature", "shop", "order_created_at"), name="orders_by_first"
            ),
            models.Index(fields=("order_key",), name="orders_by_key"),
            # A partial one: an order that nobody asked for has no number, and intake writes many.
            models.Index(
                fields=("shopify_id",),
                condition=models.Q(shopify_id__isnull=False),
                name="orders_by_shopify_id",
            ),
            models.Index(fields=("verdict", "state", "assignee"), name="orders_by_work"),
            # What people work on: few, however many are kept (queries.NOT_RESOLVED).
            models.Index(
                fields=(
                    "last_failed_at",
                    "signature",
                    "shop",
                    "attempt_count",
                    "expires_at",
                    "first_at",
                    "left_log_at",
                    "state",
                    "state_detail",
                    "failed_since",
                    "assignee",
                    "verdict",
                ),
                condition=~models.Q(state=State.RESOLVED),
                name="not_resolved",
            ),
        )

    def __str__(self) -> str:
        return self.order_name or self.order_key

    def is_failing_again(self, now: datetime) -> bool:
        """Return True for two or more attempts, the last within FAILING_WITHIN."""
        last = self.last_failed_at
        return self.attempt_count >= 2 and last is not None and now - last <= FAILING_WITHIN

    @property
    def state_text(self) -> str:
        """Return the state as events write it: open, waiting:shop, ignored:2026-12-01."""
        return f"{self.state}:{self.state_detail}" if self.state_detail else self.state

    @property
    def in_oms(self) -> list[OmsOrder]:
        """Return the OMS orders that prove the verdict; of `unconfirmed` those that were found."""
        return [OmsOrder.of_json(written) for written in self.oms_orders]


class DailyCount(models.Model):
    """Orders whose date lies on a day of UTC, by signature. Triggers keep it (figures)."""

    #: The order's column.
    dated_by = models.CharField(max_length=20)
    day = models.DateField()
    signature = models.ForeignKey(ErrorSignature, models.CASCADE, db_index=False, related_name="+")
    orders = models.IntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint("dated_by", "day", "signature", name="one_count_per_day"),
        )

    def __str__(self) -> str:
        return f"{self.day}: {self.orders} of {self.signature_id} by {self.dated_by}"


class OrderAlias(models.Model):
    """Number of an order that another swallowed: bookmarks and events lead to the other."""

    old_id = models.BigIntegerField(unique=True)
    order = models.ForeignKey(FailedOrder, models.CASCADE, related_name="aliases")

    def __str__(self) -> str:
        return f"{self.old_id} is {self.order_id}"


class Attempt(models.Model):
    """One log document at one timestamp."""

    class Left(models.TextChoices):
        """Why an attempt is no longer in HotWax's log."""

        EXPIRED = "expired", "Expired"
        REMOVED = "removed", "Removed before it expired"

    order = models.ForeignKey(FailedOrder, models.CASCADE, related_name="attempts")
    document_key = models.CharField(max_length=255)
    #: The timestamp at fixed width, else "" (never null: a unique constraint lets nulls repeat).
    logged_key = models.CharField(max_length=24, blank=True)
    logged_at = models.DateTimeField(null=True, db_index=True)
    expires_at = models.DateTimeField(null=True, db_index=True)
    order_created_at = models.DateTimeField(null=True)
    first_attempted_at = models.DateTimeField(null=True)
    signature = models.ForeignKey(
        ErrorSignature, models.PROTECT, related_name="attempts", db_index=False
    )
    seen_first_at = models.DateTimeField()
    seen_last_at = models.DateTimeField(db_index=True)
    left_log_at = models.DateTimeField(null=True)
    left_log_reason = models.CharField(max_length=10, choices=Left, blank=True)
    #: What could not be read, one problem a line.
    problems = models.TextField(blank=True)
    site = models.TextField(blank=True)
    error_text = models.TextField(blank=True)
    #: The document itself, as text: json.dumps(ensure_ascii=True).
    raw = models.TextField()

    class Meta:
        constraints = (
            models.UniqueConstraint("document_key", "logged_key", name="one_row_per_attempt"),
        )
        indexes = (
            models.Index(fields=("signature", "logged_at"), name="attempts_of_signature"),
            # What is still in the log is a small part of what is kept.
            models.Index(fields=("expires_at",), condition=IN_LOG, name="in_log_by_expiry"),
            # With the column of the condition, or SQLite reads the rows to count the documents.
            models.Index(
                fields=("document_key", "left_log_at"), condition=IN_LOG, name="in_log_by_document"
            ),
        )

    def __str__(self) -> str:
        return f"{self.document_key} {self.logged_key}".strip()
