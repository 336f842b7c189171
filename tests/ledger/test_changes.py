"""Labels worse and quiet: what changed about an error."""

from datetime import timedelta

import pytest

from reconciler.hotwax.documents import Reading, read_document
from reconciler.ledger.intake import upsert
from reconciler.ledger.models import ErrorSignature, FailedOrder, State
from reconciler.ledger.signatures.changes import Changes, quiet_signatures
from tests.clock import NOW
from tests.makers import document

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("now", "before", "worse"),
    [
        (10, 0, True),
        (9, 0, False),
        (20, 10, True),
        (19, 10, False),
        (21, 11, False),
        (22, 11, True),
        (110, 100, False),
        (0, 50, False),
    ],
)
def test_worse_is_ten_more_and_twice_as_many(now: int, before: int, worse: bool) -> None:
    changes = Changes({1: now}, {1: before})
    assert changes.is_worse(1) is worse
    assert changes.of(1) == now - before


def test_without_a_period_before_nothing_is_worse() -> None:
    changes = Changes({1: 99})
    assert (changes.is_worse(1), changes.of(1)) == (False, None)
    assert Changes({1: 12}, {}).is_worse(1)
    assert (Changes({}, {1: 5}).of(1), Changes({1: 5}, {}).of(1)) == (-5, 5)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("days_ago", "quiet"),
    [
        # A pause of a quarter of a day: three days are longer than seven pauses.
        ((3, 3.25, 3.5), True),
        ((2.99, 3.25, 3.5), False),
        # A pause of a day: seven days.
        ((7, 8, 9), True),
        ((6.9, 7.9, 8.9), False),
        # The median of pauses, not the mean.
        ((7, 8, 9, 40), True),
        ((7, 8, 20, 40), False),
        # What is older than 60 days is no usual pause.
        ((5, 5.5, 61, 62), True),
        ((5, 61), False),
        ((5,), False),
        ((), False),
    ],
)
def test_quiet_is_seven_times_the_usual_pause(days_ago: tuple[float, ...], quiet: bool) -> None:
    keep("Transaction is empty", *days_ago)
    keep("Connection timeout", *(n / 4 for n in range(1, 20)))
    found = {s.template for s in ErrorSignature.objects.filter(pk__in=quiet_signatures(NOW))}
    assert found == ({"Transaction is empty"} if quiet else set())


@pytest.mark.django_db
def test_only_what_has_open_orders_is_quiet() -> None:
    keep("Transaction is empty", 4, 4.1, 4.2)
    assert quiet_signatures(NOW)
    FailedOrder.objects.filter(order_name="#4").update(state=State.WAITING)
    FailedOrder.objects.exclude(order_name="#4").update(state=State.RESOLVED)
    assert quiet_signatures(NOW)
    FailedOrder.objects.update(state=State.RESOLVED)
    assert not quiet_signatures(NOW)


def keep(error: str, *days_ago: float) -> None:
    """Orders of an error by their first attempts."""
    raws = []
    for days in days_ago:
        first = NOW - days * DAY
        raw = document(f"#{days}", error=error, logged=first, created=first - timedelta(minutes=10))
        raws.append({**raw, "site": f"https://{len(error)}.myshopify.com/{len(error)}/orders/1"})
    upsert([read_document(raw, "SHOPIFY_ORDER", Reading()) for raw in raws], NOW)
