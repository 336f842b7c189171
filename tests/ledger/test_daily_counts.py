"""Orders per day and signature, as triggers keep them, against the same counted anew."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command

from reconciler.ledger.figures import counts, daily_counts
from reconciler.ledger.models import DailyCount, ErrorSignature, FailedOrder, Shop
from reconciler.ledger.sync.schedule import current_state
from tests.clock import NOW

pytestmark = pytest.mark.django_db


def kept() -> Counter[tuple[str, str, int]]:
    rows = DailyCount.objects.exclude(orders=0)
    return Counter({(r.dated_by, str(r.day), r.signature_id): r.orders for r in rows})


def counted() -> Counter[tuple[str, str, int]]:
    return Counter(
        (column, f"{moment.astimezone(UTC):%Y-%m-%d}", order.signature_id)
        for order in FailedOrder.objects.all()
        for column in daily_counts.COLUMNS
        if (moment := getattr(order, column)) is not None
    )


def signatures(count: int) -> list[ErrorSignature]:
    return [
        ErrorSignature.objects.create(slug=f"s{n}", template=f"t{n}", rules_version=1)
        for n in range(count)
    ]


def moment(rng: random.Random) -> datetime | None:
    if rng.random() < 0.1:
        return None
    return NOW.replace(microsecond=0) - timedelta(seconds=rng.randrange(40 * 86_400))


def some_orders(rng: random.Random, errors: list[ErrorSignature], many: int) -> None:
    shop, _ = Shop.objects.get_or_create(key="1", name="one", sort_key="one")
    FailedOrder.objects.bulk_create(
        FailedOrder(
            shop=shop,
            order_key=f"{rng.random()}",
            signature=rng.choice(errors),
            first_at=moment(rng),
            last_failed_at=moment(rng),
        )
        for _ in range(many)
    )


@pytest.mark.parametrize("seed", range(5))
def test_whatever_is_written_the_counts_hold(seed: int) -> None:
    rng, errors = random.Random(seed), signatures(4)
    some_orders(rng, errors, 60)
    assert kept() == counted()
    for _ in range(40):
        order = rng.choice(list(FailedOrder.objects.all()))
        what: dict[str, Any] = {
            "first_at": moment(rng),
            "last_failed_at": moment(rng),
            "signature": rng.choice(errors),
            "state": "resolved",
        }
        chosen = rng.sample(sorted(what), rng.randrange(4))
        if rng.random() < 0.2:
            order.delete()
        elif chosen:
            FailedOrder.objects.filter(pk=order.pk).update(**{name: what[name] for name in chosen})
    some_orders(rng, errors, 5)
    rows = list(FailedOrder.objects.all())
    for row in rows:
        row.last_failed_at = moment(rng)
    FailedOrder.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["id"], update_fields=["last_failed_at"]
    )
    assert kept() == counted()


def test_a_signature_without_orders_may_go() -> None:
    error, other = signatures(2)
    some_orders(random.Random(1), [error], 3)
    FailedOrder.objects.update(signature=other)
    error.delete()
    assert kept() == counted()


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
@pytest.mark.parametrize("days", [1, 7])
def test_spans_of_any_zone_are_counted_right(zone: str, days: int) -> None:
    rng, errors = random.Random(zone), signatures(3)
    some_orders(rng, errors, 300)
    midnight = NOW.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    edges = [midnight - timedelta(days=n) for n in range(42, -1, -days)]
    expected = Counter(
        (span, order.signature_id)
        for order in FailedOrder.objects.exclude(last_failed_at=None)
        for span, (low, high) in enumerate(pairwise(edges))
        if order.last_failed_at is not None and low <= order.last_failed_at < high
    )
    everything = FailedOrder.objects.all()
    revision = current_state().revision
    found = counts.over_time(everything, "last_failed_at", edges, "error", revision)
    slug_of = {error.pk: error.slug for error in errors}
    assert [dict(span) for span in found] == [
        {slug_of[error]: n for (at, error), n in sorted(expected.items()) if at == span}
        for span in range(len(edges) - 1)
    ]


def test_whole_days_and_the_rest_cover_each_span_once() -> None:
    edges = [datetime(2026, 3, 1, 5, tzinfo=UTC) + timedelta(hours=h) for h in (0, 12, 60, 67, 90)]
    days, rest = daily_counts.whole_days(edges)
    covered = [
        *rest,
        *((n, *(datetime(d.year, d.month, d.day, tzinfo=UTC) for d in ends)) for n, *ends in days),
    ]
    spans = {
        number: sorted((low, high) for n, low, high in covered if n == number)
        for number in range(4)
    }
    for number, ends in enumerate(pairwise(edges)):
        parts = spans[number]
        assert (parts[0][0], parts[-1][1]) == ends
        assert all(one[1] == other[0] for one, other in pairwise(parts))
    # 1 March 05:00 to 17:00, to 3 March 17:00, to 4 March 00:00, to 4 March 23:00.
    assert [(n, str(low), str(high)) for n, low, high in days] == [(1, "2026-03-02", "2026-03-03")]


@pytest.mark.django_db(transaction=True)
def test_a_migration_leaves_triggers_and_counts_as_they_must_be() -> None:
    errors = signatures(2)
    some_orders(random.Random(1), errors, 20)
    daily_counts.uninstall()
    some_orders(random.Random(2), errors, 20)
    assert kept() != counted()
    call_command("migrate", verbosity=0)
    assert kept() == counted()
    some_orders(random.Random(3), errors, 20)
    assert kept() == counted()
