"""The tables of what people and the program do about orders. All datetimes are in UTC."""

from typing import Any

from django.db import models

#: The program's own actor.
SYSTEM = "system"


class EventKind(models.TextChoices):
    """What kind of thing happened (CONTRACTS.md, "Acting")."""

    STATE = "state", "Status"
    ASSIGN = "assign", "Owner"
    NOTE = "note", "Note"
    VERDICT = "verdict", "In HotWax?"
    REOPENED = "reopened", "Reopened"
    LEFT_LOG = "left_log", "Left the log"
    RUNBOOK = "runbook", "Runbook"
    CORRECTION = "correction", "Correction"
    EXPORT = "export", "Export"
    VIEW = "view", "View"
    PACK = "pack", "Pack"
    UNDO = "undo", "Undo"


class Action(models.Model):
    """What one person did with one click, to one order or to many."""

    actor = models.CharField(max_length=150)
    kind = models.CharField(max_length=10, choices=EventKind)
    at = models.DateTimeField()
    #: What was set, as an event writes it.
    after = models.TextField(blank=True)
    #: Orders that it changed.
    changed = models.PositiveIntegerField(default=0)
    #: Orders that it left as they were.
    left = models.PositiveIntegerField(default=0)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=("actor", "-at"), name="actions_by_actor"),)

    def __str__(self) -> str:
        return f"{self.actor}: {self.kind}, {self.changed} orders"


class AppendOnly(TypeError):
    """Events are never changed or deleted."""


class EventQuerySet(models.QuerySet["Event"]):
    """Events may be added, and follow their order or signature to the one that takes its place."""

    def update(self, **_: object) -> int:
        """Refuse."""
        raise AppendOnly

    def delete(self) -> tuple[int, dict[str, int]]:
        """Refuse."""
        raise AppendOnly

    def bulk_update(self, *_: object, **__: object) -> int:
        """Refuse."""
        raise AppendOnly

    def follow(self, **place: object) -> int:
        """Let events lead to the order or the signature that took over theirs."""
        if not set(place) <= {"order", "signature"}:
            raise AppendOnly
        return super().update(**place)


class Event(models.Model):
    """What happened to an order or a signature, and by whom; rows are only ever added."""

    order = models.ForeignKey(
        "ledger.FailedOrder", models.SET_NULL, null=True, related_name="events"
    )
    signature = models.ForeignKey(
        "ledger.ErrorSignature", models.SET_NULL, null=True, related_name="events"
    )
    #: The click that caused it; null for what the program did, and for what cannot be undone.
    action = models.ForeignKey(Action, models.PROTECT, null=True, related_name="events")
    #: Name of the person, kept as text so that it outlives the account; SYSTEM for the program.
    actor = models.CharField(max_length=150, blank=True)
    kind = models.CharField(max_length=30)
    at = models.DateTimeField(db_index=True)
    before = models.TextField(blank=True)
    after = models.TextField(blank=True)
    #: The order's revision after it.
    revision = models.PositiveIntegerField(default=0)
    #: What an undo sets back beside ``before``: failed_since, state_at, state_by, was_resolved and
    #: was_reopened of the order.
    had_failed = models.BooleanField(default=False)
    was_at = models.DateTimeField(null=True)
    was_by = models.CharField(max_length=150, blank=True)
    was_resolved = models.BooleanField(default=False)
    was_reopened = models.BooleanField(default=False)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ("-at", "-id")
        indexes = (models.Index(fields=("actor", "-at"), name="events_by_actor"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d %H:%M}"

    def save(self, **options: Any) -> None:
        """Add the event; one that is there already is not changed."""
        if self.pk is not None:
            raise AppendOnly
        super().save(**options)

    def delete(self, *_: object, **__: object) -> tuple[int, dict[str, int]]:
        """Refuse."""
        raise AppendOnly


class Pack(models.Model):
    """Orders that somebody imports again, in batches that the import job takes."""

    #: What its orders have in common, in words; empty if nothing.
    title = models.CharField(max_length=200, blank=True)
    actor = models.CharField(max_length=150)
    at = models.DateTimeField()
    #: When the OMS was last asked about it by a person; null if never.
    checked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"pack {self.pk}"


class PackBatch(models.Model):
    """Orders of one shop, at most as many as the import job takes in one go."""

    pack = models.ForeignKey(Pack, models.CASCADE, related_name="batches")
    number = models.PositiveIntegerField()
    shop = models.ForeignKey("ledger.Shop", models.PROTECT, related_name="+")
    #: Who said that it was given to the import job, and when.
    imported_by = models.CharField(max_length=150, blank=True)
    imported_at = models.DateTimeField(null=True, db_index=True)

    class Meta:
        ordering = ("number",)
        constraints = (models.UniqueConstraint("pack", "number", name="one_batch_per_number"),)

    def __str__(self) -> str:
        return f"batch {self.number} of {self.pack}"


class PackOrder(models.Model):
    """An order of a pack; one without a batch was left out, and ``left_out`` says why."""

    class LeftOut(models.TextChoices):
        """Why an order is not imported again."""

        IMPORTED = "imported", "in HotWax already"
        DUPLICATE = "duplicate", "twice in HotWax already"
        NAMELESS = "nameless", "has no name that HotWax could look up"

    pack = models.ForeignKey(Pack, models.CASCADE, related_name="orders")
    batch = models.ForeignKey(PackBatch, models.CASCADE, null=True, related_name="orders")
    order = models.ForeignKey("ledger.FailedOrder", models.CASCADE, related_name="packs")
    #: Of the error that it had then.
    signature = models.ForeignKey(
        "ledger.ErrorSignature", models.SET_NULL, null=True, related_name="+"
    )
    #: Its number in Shopify's addresses, where somebody said it or the OMS is sure.
    shopify_id = models.CharField(max_length=20, blank=True)
    left_out = models.CharField(max_length=10, choices=LeftOut, blank=True)

    class Meta:
        ordering = ("pk",)
        constraints = (models.UniqueConstraint("pack", "order", name="one_row_per_pack_and_order"),)

    def __str__(self) -> str:
        return f"{self.order_id} in {self.pack}"
