"""What is said of the ledger by the row that says how the asking goes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.hotwax.documents import Reading, read_document
from reconciler.ledger.figures.freshness import freshness_of, status, unchecked_orders
from reconciler.ledger.figures.paging import neighbours
from reconciler.ledger.intake import upsert
from reconciler.ledger.models import FailedOrder, SyncEvent, SyncState, UnreadableDocument
from reconciler.ledger.queries import failed_orders
from reconciler.ledger.sync.source import configured_source, interval
from tests.makers import document

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LIVE = {"loaded_at": NOW - timedelta(days=1), "answered_at": NOW}
FAILING = {"failing_since": NOW - SECOND}
SHORT = {"scan_seconds": 1, "scan_started_at": None, "scan_complete": False}


@pytest.mark.django_db
@pytest.mark.parametrize(("days", "number"), [(None, 1), (100, 1), (179, 1), (181, 0)])
def test_orders_that_are_asked_about_for_half_a_year_are_still_to_go(
    days: int | None, number: int
) -> None:
    upsert([read_document(document("#1"), "SHOPIFY_ORDER", Reading())], NOW)
    first = None if days is None else NOW - timedelta(days=days)
    FailedOrder.objects.update(first_at=first)
    assert unchecked_orders(SyncState(revision=1), NOW) == number
    assert unchecked_orders(SyncState(revision=1), NOW + timedelta(days=100)) == number * (
        days is None or days < 80
    )


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"mode": "range", "mode_reason": "old"}, {"mode": "range", "mode_reason": ""}),
        ({"mode": ""}, {"mode": "range", "mode_reason": ""}),
        (
            {"mode": "compatible", "mode_reason": "odd"},
            {"mode": "compatible", "mode_reason": "odd"},
        ),
        (
            {"last_error": "No", "last_remedy": "Do", "back_off_until": NOW},
            {"error": "", "remedy": "", "next_try": None, "state": "live"},
        ),
        (
            {"last_error": "No", "last_remedy": "Do", "back_off_until": NOW, **FAILING},
            {"error": "No", "remedy": "Do", "next_try": NOW, "state": "down"},
        ),
        ({"loaded_at": None}, {"state": "loading", "loaded": False, "seen": None}),
        ({"answered_at": None}, {"state": "stale", "loaded": True, "seen": None}),
        (
            {"answered_at": NOW + SECOND},
            {"seen": (NOW - timedelta(days=61), NOW), "as_of": NOW + SECOND},
        ),
        ({"answered_at": NOW - SECOND}, {"seen": (NOW - timedelta(days=61), NOW - SECOND)}),
        (SHORT, {"short": True}),
        ({**SHORT, "scan_seconds": 0}, {"short": False}),
        ({**SHORT, "scan_seconds": 0.5}, {"short": True}),
        ({**SHORT, "scan_started_at": NOW}, {"short": False}),
        ({**SHORT, "scan_complete": True}, {"short": False}),
        ({"clock_ahead_seconds": 60}, {"clock_ahead": None}),
        ({"clock_ahead_seconds": 61}, {"clock_ahead": 61 * SECOND}),
        ({"clock_ahead_seconds": -60}, {"clock_ahead": None}),
        ({"clock_ahead_seconds": -61}, {"clock_ahead": -61 * SECOND}),
    ],
)
def test_each_word_follows_from_the_row(row: dict[str, Any], said: dict[str, Any]) -> None:
    found = freshness_of(SyncState(**{**LIVE, **row}), NOW)
    assert {name: getattr(found, name) for name in said} == said


@pytest.mark.parametrize(
    ("row", "pause"),
    [
        ({"mode": "range"}, timedelta(0)),
        ({"mode": "compatible"}, timedelta(minutes=5)),
        ({"mode": "compatible", "scan_seconds": 100}, timedelta(minutes=15)),
    ],
)
def test_it_is_stale_after_three_intervals_and_the_pause_between_two_scans(
    row: dict[str, Any], pause: timedelta
) -> None:
    for more, state in ((-SECOND, "live"), (timedelta(0), "stale")):
        answered = NOW - 3 * interval() - pause - more
        assert (
            freshness_of(SyncState(**{**LIVE, **row, "answered_at": answered}), NOW).state == state
        )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("done", "per_cent"), [(-9, 0), (-1, 0), (0, 0), (1, 25), (2, 50), (3, 75), (4, 100)]
)
def test_how_far_deriving_is_goes_by_the_primary_keys_that_are_left(
    done: int, per_cent: int
) -> None:
    raws = [document(f"#{n}", document_id=f"d{n}") for n in range(9)]
    upsert([read_document(raw, "SHOPIFY_ORDER", Reading()) for raw in raws], NOW)  # type: ignore[misc]
    FailedOrder.objects.filter(pk__in=FailedOrder.objects.order_by("pk").values("pk")[:5]).delete()
    first = FailedOrder.objects.order_by("pk")[0].pk
    row = SyncState(**LIVE, derived_by="older", derive_cursor=max(0, first - 1 + done))
    assert first > 5
    assert freshness_of(row, NOW).deriving == per_cent


@pytest.mark.django_db
def test_deriving_is_over_where_there_is_nothing_to_derive_or_nothing_changed() -> None:
    assert freshness_of(SyncState(**LIVE, derived_by="older"), NOW).deriving == 100
    same = configured_source().derivation
    assert freshness_of(SyncState(**LIVE, derived_by=same), NOW).deriving is None
    assert freshness_of(SyncState(**LIVE, derived_by=""), NOW).deriving is None


def many(count: int) -> list[FailedOrder]:
    """As many orders alike, the first created after it was tried."""
    upsert([read_document(document("#0"), "SHOPIFY_ORDER", Reading())], NOW)  # type: ignore[list-item]
    first = FailedOrder.objects.get()
    FailedOrder.objects.update(order_created_at=NOW, first_attempted_at=NOW - SECOND)
    FailedOrder.objects.bulk_create(
        FailedOrder(
            shop=first.shop,
            order_key=f"#{n}",
            order_name=f"#{n}",
            signature=first.signature,
            latest_document_key="",
            last_failed_at=NOW,
            order_created_at=NOW,
            first_attempted_at=NOW,
        )
        for n in range(1, count)
    )
    return list(FailedOrder.objects.order_by("pk"))


@pytest.mark.django_db
@pytest.mark.parametrize(("count", "lags"), [(1, (1, 1)), (1_000, (1, 1_000)), (1_001, (0, 1_000))])
def test_the_zone_is_judged_by_the_newest_thousand_orders(
    count: int, lags: tuple[int, int]
) -> None:
    many(count)
    assert status().negative_lags == lags


@pytest.mark.django_db
def test_places_after_the_thousandth_are_not_counted() -> None:
    orders = many(1_003)
    for place in (1, 2, 999, 1_000, 1_001, 1_002, 1_003):
        found = neighbours(failed_orders(), orders[-place], "-created", 0)
        assert (found.place, found.total) == (min(place, 1_001), 1_003)


@pytest.mark.django_db
def test_of_events_and_unreadable_documents_the_newest_are_told() -> None:
    SyncEvent.objects.bulk_create(SyncEvent(at=NOW, kind=f"{n}") for n in range(31))
    UnreadableDocument.objects.bulk_create(
        UnreadableDocument(
            sha256=f"{n}", reason=f"{n}", raw="", seen_first_at=NOW, seen_last_at=NOW
        )
        for n in range(51)
    )
    found = status()
    assert [event.kind for event in found.events] == [str(n) for n in range(30, 0, -1)]
    assert [row.reason for row in found.unreadable] == [str(n) for n in range(50, 0, -1)]
