"""The tables of what is known of errors. All datetimes are in UTC."""

from django.db import models


class Category(models.TextChoices):
    """What kind of error it is, in the order in which charts stack them."""

    DATA = "data", "Data"
    SOURCE = "source", "Source"
    MAPPING = "mapping", "Mapping"
    CONFIGURATION = "configuration", "Configuration"
    AUTHENTICATION = "authentication", "Authentication"
    CONNECTION = "connection", "Connection"
    RATE_LIMIT = "rate_limit", "Rate limit"
    DATABASE = "database", "Database"
    DUPLICATE = "duplicate", "Duplicate"
    PAYMENT = "payment", "Payment"
    DOWNSTREAM = "downstream", "Downstream"
    UNEXPECTED = "unexpected", "Unexpected"


class Retry(models.TextChoices):
    """Whether importing the order again helps."""

    YES = "yes", "Retry"
    AFTER_FIX = "after_fix", "Fix, then retry"
    CHECK_FIRST = "check_first", "Check first"
    NO = "no", "Do not retry"


class ErrorSignature(models.Model):
    """Errors that differ only in ids. ``slug`` is 12 hex digits of sha256(template)."""

    slug = models.CharField(max_length=12, unique=True)
    template = models.TextField()
    sort_key = models.CharField(max_length=1100, db_index=True)
    rules_version = models.PositiveSmallIntegerField()
    category = models.CharField(max_length=14, choices=Category, default=Category.UNEXPECTED)
    retry = models.CharField(max_length=11, choices=Retry, default=Retry.CHECK_FIRST)
    #: What happened, in a sentence for people; empty where nobody wrote one.
    plain = models.CharField(max_length=200, blank=True)
    #: Who corrected category and advice, and when; otherwise the rules decide them.
    corrected_by = models.CharField(max_length=150, blank=True)
    corrected_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("sort_key",)

    def __str__(self) -> str:
        return self.template[:80]

    @property
    def title(self) -> str:
        """Return what people call it: the plain sentence, or the template."""
        return self.plain or self.template


class SignatureAlias(models.Model):
    """A slug that a signature had under earlier rules: bookmarks go on working."""

    slug = models.CharField(max_length=12, unique=True)
    signature = models.ForeignKey(ErrorSignature, models.CASCADE, related_name="aliases")

    def __str__(self) -> str:
        return f"{self.slug} is {self.signature_id}"


class RunbookRevision(models.Model):
    """A text of a signature's runbook; rows are only ever added, and the highest number counts."""

    signature = models.ForeignKey(ErrorSignature, models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    #: Markdown with placeholders.
    text = models.TextField(blank=True)
    actor = models.CharField(max_length=150)
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint("signature", "number", name="one_revision_per_number"),
        )

    def __str__(self) -> str:
        return f"{self.signature_id}, revision {self.number}"


class MaskedValue(models.Model):
    """What a signature masks in an order's latest error: one row per order, kind and text."""

    order = models.ForeignKey(
        "ledger.FailedOrder", models.CASCADE, related_name="masked_values", db_index=False
    )
    #: As between the template's ‹ and ›.
    kind = models.CharField(max_length=10)
    #: Without the quotes around it; a long one is cut (signatures/values.py).
    text = models.CharField(max_length=200)

    class Meta:
        constraints = (
            models.UniqueConstraint("order", "kind", "text", name="one_row_per_value_of_order"),
        )
        indexes = (models.Index(fields=("kind", "text", "order"), name="orders_by_value"),)

    def __str__(self) -> str:
        return f"{self.kind}:{self.text}"
