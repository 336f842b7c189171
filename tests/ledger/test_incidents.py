"""Incidents: found again by counting every hour by hand, from the orders themselves."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.hotwax.documents import Reading, read_document
from reconciler.ledger.figures.incidents import high_spans, incidents
from reconciler.ledger.intake import upsert
from reconciler.ledger.models import ErrorSignature
from tests.clock import NOW
from tests.makers import document

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
LONG_AGO = AT - 90 * DAY


def hours(*pairs: tuple[int, int]) -> dict[datetime, int]:
    """Hours from AT on, and their orders."""
    return {AT + at * HOUR: orders for at, orders in pairs}


#: An order every other hour for 28 days: a mean of half an order.
USUAL = {AT - n * HOUR: 1 for n in range(2, 28 * 24 + 1, 2)}


@pytest.mark.parametrize(
    ("counts", "found"),
    [
        ({}, []),
        (hours((0, 4)), []),
        (hours((0, 5)), [(0, 0)]),
        # Five times the mean is enough, a little less is not: 336 orders in 672 hours.
        (USUAL | hours((0, 5)), [(0, 0)]),
        ({AT - n * HOUR: 2 for n in range(1, 28 * 24 + 1)} | hours((0, 10)), [(0, 0)]),
        ({AT - n * HOUR: 2 for n in range(1, 28 * 24 + 1)} | hours((0, 9)), []),
        # What happened earlier than 28 days before does not count.
        ({AT - 28 * DAY - HOUR: 1_000} | hours((0, 5)), [(0, 0)]),
        ({AT - 28 * DAY: 1_000} | hours((0, 5)), []),
        # High hours at most two apart are one incident.
        (hours((0, 20), (2, 20), (4, 20)), [(0, 4)]),
        (hours((0, 20), (3, 20)), [(0, 0), (3, 3)]),
        (hours((0, 20), (1, 3), (2, 20)), [(0, 2)]),
    ],
)
def test_high_hours_make_incidents(
    counts: dict[datetime, int], found: list[tuple[int, int]]
) -> None:
    spans = high_spans(counts, AT - DAY, LONG_AGO)
    assert spans == [(AT + first * HOUR, AT + last * HOUR) for first, last in found]


@pytest.mark.parametrize(("days", "found"), [(7, True), (6.9, False)])
def test_seven_days_before_must_have_been_seen(days: float, found: bool) -> None:
    assert bool(high_spans(hours((0, 50)), LONG_AGO, AT - days * DAY)) is found


def test_the_mean_is_of_the_hours_that_were_seen() -> None:
    usual = {AT - n * HOUR: 1 for n in range(1, 10 * 24 + 1)}
    assert high_spans(usual | hours((0, 5)), LONG_AGO, AT - 10 * DAY)
    assert not high_spans(usual | hours((0, 4)), LONG_AGO, AT - 10 * DAY)
    usual[AT - HOUR] = 3
    assert not high_spans(usual | hours((0, 5)), LONG_AGO, AT - 10 * DAY)


def keep(moments: list[tuple[datetime, str, str]]) -> None:
    """Orders by first attempt, error and shop."""
    raws = []
    for n, (first, error, shop) in enumerate(moments):
        raw = document(
            f"#{n}",
            error=error,
            logged=first + timedelta(minutes=5),
            created=first - timedelta(minutes=10),
            host=f"{shop}.myshopify.com",
            shop_id=str(ord(shop)),
            document_id=f"d{n}",
        )
        raws.append(raw)
    for i in range(0, len(raws), 500):
        read = [read_document(raw, "SHOPIFY_ORDER", Reading()) for raw in raws[i : i + 500]]
        upsert(read, NOW)


@pytest.mark.django_db
def test_an_incident_holds_its_orders_from_the_first_to_the_last() -> None:
    begin = AT - 5 * DAY
    storm = [
        (begin + n * timedelta(minutes=10), "Transaction is empty", "ab"[n % 2]) for n in range(13)
    ]
    other = [(begin + n * timedelta(minutes=10), "Product not exist", "c") for n in range(4)]
    keep([*storm, *other, (begin - DAY, "Transaction is empty", "c")])
    (found,) = incidents(AT - 60 * DAY, AT, AT, AT - 60 * DAY)
    assert found.signature.template == "Transaction is empty"
    # The thirteenth is in an hour that is not high.
    assert (found.start, found.end) == (storm[0][0], storm[11][0])
    assert (found.orders, len(found.shops), found.lasts) == (12, 2, False)


@pytest.mark.django_db
@pytest.mark.parametrize(("minutes", "lasts"), [(1, True), (179, True), (180, False)])
def test_it_lasts_until_two_hours_after_its_last_high_hour(minutes: int, lasts: bool) -> None:
    keep([(AT + n * timedelta(seconds=1), "Transaction is empty", "a") for n in range(9)])
    now = AT + timedelta(minutes=minutes)
    (found,) = incidents(AT - 60 * DAY, now, now, AT - 60 * DAY)
    assert found.lasts is lasts
    assert (found.end is None) is lasts


@pytest.mark.django_db
def test_those_that_last_come_first_and_then_the_latest() -> None:
    storms = {"Transaction is empty": 30, "Product not exist": 3, "Connection timeout": 9}
    keep(
        [
            (AT - hours_ago * HOUR + n * timedelta(seconds=1), error, "a")
            for error, hours_ago in storms.items()
            for n in range(20)
        ]
    )
    # Began before the others and lasts still: a high hour every second hour.
    lasting = [AT - 32 * HOUR + n * 2 * HOUR for n in range(17)]
    keep([(at + n * timedelta(seconds=1), "No order", "b") for at in lasting for n in range(20)])
    found = incidents(AT - 3 * DAY, AT + HOUR, AT + HOUR, AT - 60 * DAY)
    assert [one.signature.template for one in found] == [
        "No order",
        "Product not exist",
        "Connection timeout",
        "Transaction is empty",
    ]


@pytest.mark.django_db
def test_those_that_overlap_a_period_are_found_whole() -> None:
    keep([(AT + n * timedelta(minutes=6), "Transaction is empty", "a") for n in range(30)])
    for start, end, there in (
        (AT - DAY, AT, False),
        (AT - DAY, AT + HOUR, True),
        (AT + 2 * HOUR, AT + DAY, True),
        (AT + 4 * HOUR, AT + DAY, False),
    ):
        found = incidents(start, end, AT + 3 * DAY, AT - 60 * DAY)
        assert [one.orders for one in found] == ([30] if there else []), (start, end)


@pytest.mark.django_db
def test_a_random_ledger_has_the_incidents_that_a_recount_finds() -> None:
    rng = random.Random(14)
    errors = ("Transaction is empty", "Product not exist", "Connection timeout")
    moments = []
    for _ in range(900):
        at = AT - 40 * DAY * rng.random()
        moments.append((at.replace(microsecond=0), rng.choice(errors), rng.choice("abc")))
    for _ in range(6):
        at, error = AT - 25 * DAY * rng.random(), rng.choice(errors)
        for _ in range(rng.randrange(6, 60)):
            moment = at + timedelta(minutes=rng.randrange(300))
            moments.append((moment.replace(microsecond=0), error, rng.choice("abc")))
    moments = [moment for moment in moments if moment[0] < AT]
    keep(moments)
    since = AT - 60 * DAY
    expected = sorted(
        (error, start, orders)
        for error in errors
        for start, orders in recounted([at for at, mine, _ in moments if mine == error], since)
    )
    found = incidents(since, AT, AT, since)
    assert sorted((i.signature.template, i.start, i.orders) for i in found) == expected
    assert len(expected) >= 4
    for signature in ErrorSignature.objects.all():
        alone = incidents(since, AT, AT, since, signature.pk)
        assert alone == [one for one in found if one.signature == signature]


def recounted(moments: list[datetime], since: datetime) -> list[tuple[datetime, int]]:
    """Go through every hour there is, one by one."""
    per_hour: dict[datetime, int] = defaultdict(int)
    for at in moments:
        per_hour[at.replace(minute=0, second=0)] += 1
    high = []
    hour = since
    while hour < AT:
        before = [hour - n * HOUR for n in range(1, 28 * 24 + 1) if hour - n * HOUR >= since]
        mean = sum(per_hour.get(one, 0) for one in before) / len(before) if before else 0
        here = per_hour.get(hour, 0)
        if len(before) >= 7 * 24 and here >= 5 and here >= 5 * mean:
            high.append(hour)
        hour += HOUR
    groups: list[list[datetime]] = []
    for hour in high:
        if groups and hour - groups[-1][-1] <= 2 * HOUR:
            groups[-1].append(hour)
        else:
            groups.append([hour])
    result = []
    for group in groups:
        mine = sorted(at for at in moments if group[0] <= at < group[-1] + HOUR)
        result.append((mine[0], len(mine)))
    return result
