"""What signatures mask in orders' latest errors, kept as rows: a SKU, an id, a name."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min, Q, Window

from reconciler.ledger.models import MaskedValue, State, Verdict
from reconciler.ledger.queries import FailedOrderQuerySet
from reconciler.ledger.signatures.rules import RULES, SignatureRules

#: Of an error so many are kept, and so many characters of each.
MOST_VALUES, LONGEST_VALUE = 20, 150
_QUOTES = "'\""


def values_in_error(error_text: str, rules: SignatureRules = RULES) -> list[tuple[str, str]]:
    """Return kind and text of what is masked in an error, each once, in the order of the text."""
    found = ((kind, _kept(text)) for kind, text in rules.read(error_text).values)
    return [value for value in dict.fromkeys(found) if value[1]][:MOST_VALUES]


def _kept(text: str) -> str:
    if text[:1] in _QUOTES and text[:1] == text[-1:]:
        text = text[1:-1]
    text = text.strip()
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"


def write_values(
    texts: Iterable[tuple[int, str]], rules: SignatureRules, *, are_new: bool = False
) -> None:
    """Keep what is masked in the latest errors of orders, given by primary key and text.

    ``are_new`` are orders that have no values yet.
    """
    texts = list(texts)
    if not are_new:
        MaskedValue.objects.filter(order__in=[pk for pk, _ in texts]).delete()
    MaskedValue.objects.bulk_create(
        MaskedValue(order_id=pk, kind=kind, text=text)
        for pk, error_text in texts
        for kind, text in values_in_error(error_text, rules)
    )


@dataclass(frozen=True)
class ValueCount:
    """A masked value and the orders whose latest error has it."""

    kind: str
    text: str
    orders: int
    #: Of these, those that are not resolved.
    unresolved: int
    #: Of these, those that are not in the OMS as far as it was asked.
    missing: int
    shops: int
    #: The earliest first attempt and the latest failure of these orders.
    first_at: datetime | None
    last_failed_at: datetime | None

    @property
    def written(self) -> str:
        """Return it as the query string writes it."""
        return f"{self.kind}:{self.text}"


def value_counts(
    orders: FailedOrderQuerySet, most: int | None = None
) -> tuple[list[ValueCount], int]:
    """Count orders by what their latest errors mask, most orders first.

    Returns all values or the first, and how many there are in all.
    """
    masked = MaskedValue.objects.filter(order__in=orders.order_by().values("pk")).order_by()
    rows = masked.values_list("kind", "text").annotate(
        orders=Count("order"),
        unresolved=Count("order", filter=~Q(order__state=State.RESOLVED)),
        missing=Count("order", filter=Q(order__verdict=Verdict.MISSING)),
        shops=Count("order__shop", distinct=True),
        first=Min("order__first_at"),
        last=Max("order__last_failed_at"),
        # Of the groups: counted before they are cut.
        number=Window(Count("*")),
    )
    found = list(rows.order_by("-orders", "kind", "text")[:most])
    return [ValueCount(*row) for *row, _ in found], found[0][-1] if found else 0
