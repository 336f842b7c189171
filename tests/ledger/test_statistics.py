"""Labels, dates and texts of signatures, and what is counted at the very edges of a period."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from reconciler.hotwax.documents import Reading, read_document
from reconciler.ledger.figures import counts
from reconciler.ledger.figures.cache import cached
from reconciler.ledger.figures.facets import Facet, by_choices, by_shop, facet_counts
from reconciler.ledger.figures.outcomes import outcomes_of
from reconciler.ledger.intake import upsert
from reconciler.ledger.models import ErrorSignature, FailedOrder, State, Verdict
from reconciler.ledger.queries import DATES, failed_orders
from reconciler.ledger.signatures import statistics
from reconciler.ledger.signatures.dates import find_dates, new_signatures
from reconciler.ledger.work import triage
from tests.clock import NOW
from tests.makers import document

pytestmark = pytest.mark.django_db

START = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
END = START + DAY


def keep(*raws: dict[str, object]) -> None:
    upsert([read_document(r, "SHOPIFY_ORDER", Reading()) for r in raws], END + 9 * DAY)  # type: ignore[misc]


def logged(*days: float | None) -> None:
    """Orders with one error, logged so many days after START; None is without a date."""
    for n, day in enumerate(days):
        raw = document(f"#{n}", document_id=f"d{n}", logged=START + (day or 0) * DAY)
        keep(raw if day is not None else {**raw, "timestamp": ""})


@pytest.mark.parametrize(
    ("days", "start", "end", "label"),
    [
        ([0], None, None, "new"),
        ([0.5], None, END, "new"),
        ([1], None, END, ""),
        ([0], START, None, "new"),
        ([0], START, END, "new"),
        ([1], START, END, ""),
        ([-8, 0], START, END, "back"),
        ([-8, 5], START, None, "back"),
        ([-7, 0], START, END, ""),
        ([-9, -6, 0], START, END, ""),
        ([-8, 1], START, END, ""),
        ([-8], START, None, ""),
        ([None], START, END, ""),
        ([None], None, None, ""),
        ([None, 0], START, END, "new"),
        ([None, -8, 0], START, END, "back"),
    ],
)
def test_a_label_goes_by_the_first_moment_and_not_by_the_end_of_a_period(
    days: list[float | None], start: datetime | None, end: datetime | None, label: str
) -> None:
    logged(*days)
    numbers = statistics.error_numbers(failed_orders(), NOW)
    (row,) = statistics.error_rows(numbers, find_dates(start, end))
    assert (row.orders, row.label) == (len(days), label)
    assert new_signatures(failed_orders(), start, end) == (label == "new")


def test_a_signature_without_orders_has_its_dates_and_counts_nothing() -> None:
    logged(0, 3)
    row = statistics.error_row(ErrorSignature.objects.get(), {}, find_dates(None, None))
    assert (row.orders, row.open, row.shops, row.attempts) == (0, 0, 0, 0)
    assert (row.first_seen_at, row.last_seen_at) == (START, START + 3 * DAY)


@pytest.mark.parametrize(("most", "found"), [(9, "43152"), (5, "43152"), (4, "4315"), (1, "4")])
def test_of_texts_the_latest_come_first_and_the_undated_last(most: int, found: str) -> None:
    for row, day in ((1, 1.0), (2, None), (3, 2.0), (4, 2.0), (5, None), (1, 0.5)):
        raw = document(
            f"#{row}", document_id=f"d{row}{day}", error=f"Row {row}", logged=END + (day or 0) * DAY
        )
        keep(raw if day else {**raw, "timestamp": ""})
    samples = statistics.sample_texts(ErrorSignature.objects.get(), most)
    assert "".join(sample.error_text.removeprefix("Row ") for sample in samples) == found


def test_a_span_holds_its_beginning_and_not_its_end() -> None:
    logged(-0.001, 0, 0.5, 1, 1, 2)
    edges = [START, END, END + DAY]
    by_category = counts.over_time(failed_orders(), "last_failed_at", edges, "category", 1)
    assert [sum(span.values()) for span in by_category] == [2, 2]
    assert counts.per_span(failed_orders(), "last_failed_at", edges) == ([2, 2], 2)


def test_what_is_written_between_two_counts_makes_none_negative() -> None:
    # Another page counted all at this revision, before these were written.
    orders = failed_orders()
    assert cached(1, "orders", orders, (), orders.count) == 0
    logged(0, 1, 2)
    assert counts.per_view(failed_orders(), NOW, 1).by_view["resolved"] == 0


def test_where_nothing_can_match_nothing_is_counted() -> None:
    logged(0)
    nothing = failed_orders().none()
    edges = [START, END, END + DAY]
    assert counts.over_time(nothing, "last_failed_at", edges, "error", 1) == [{}, {}]
    assert counts.quarters(nothing, "last_failed_at") == counts.lags(nothing) == {}
    assert counts.totals(nothing, 1) == {}
    assert counts.over_time(nothing, "last_failed_at", edges, "category", 1) == [{}, {}]
    assert counts.per_span(nothing, "last_failed_at", edges) == ([0, 0], 0)
    assert new_signatures(nothing, None, None) == 0


def test_a_signature_whose_orders_have_another_error_by_now_is_not_new() -> None:
    logged(0)
    assert new_signatures(failed_orders(), None, None) == 1
    keep(document("#0", document_id="d0", logged=END, error="Another error"))
    assert ErrorSignature.objects.count() == 2
    assert new_signatures(failed_orders(), None, None) == 1


def test_an_ignored_order_is_still_open_from_its_day_on() -> None:
    logged(0)
    order = FailedOrder.objects.get()
    tomorrow = (timezone.localtime(NOW) + DAY).date().isoformat()
    triage.set_state([order.pk], State.IGNORED, tomorrow, "ann", NOW)
    found = [outcomes_of(failed_orders(), NOW + n * DAY).still_open for n in (0, 1)]
    assert found == [0, 1]


def test_what_failed_twice_and_has_left_the_log_does_not_expire_within_a_day() -> None:
    logged(0)
    soon = NOW + timedelta(hours=3)
    recent = {"attempt_count": 2, "last_failed_at": NOW}
    FailedOrder.objects.update(**recent, expires_at=soon, left_log_at=None)
    found = counts.per_view(failed_orders(), NOW, 1)
    assert (found.by_view["failing"], found.expiring_within_a_day) == (1, 1)
    for other in ({"expires_at": NOW - MINUTE}, {"left_log_at": NOW}):
        FailedOrder.objects.update(**{"expires_at": soon, "left_log_at": None, **other})
        found = counts.per_view(failed_orders(), NOW, 1)
        assert (found.by_view["failing"], found.expiring_within_a_day) == (1, 0)


@pytest.mark.parametrize("which", DATES)
def test_the_earliest_and_the_latest_are_found_whatever_the_order_of_rows(which: str) -> None:
    logged(2, 0, None, 5, 1)
    column = DATES[which]
    dates = [d for d in FailedOrder.objects.values_list(column, flat=True) if d is not None]
    assert counts.earliest(failed_orders(), which) == min(dates)
    assert counts.latest(failed_orders(), which) == max(dates)


def test_facets_count_most_first_then_by_name_and_each_row_once() -> None:
    shops = ["b.example", "c.example", "a.example", "c.example", "c.example"]
    for n, host in enumerate(shops):
        keep(document(f"#{n}", document_id=f"d{n}", host=host, shop_id=host, logged=START))
    keep(document("#4", document_id="again", host="c.example", shop_id="c.example", logged=END))
    facets = {
        "shop": Facet("Shop", "shop", by_shop),
        "tries": Facet("Attempts", "attempt_count", by_choices({"open": "Open"})),
    }
    found = facet_counts(failed_orders(), facets, 1)
    assert [(row.text, row.count) for row in found["shop"]] == [
        ("c.example", 3),
        ("a.example", 1),
        ("b.example", 1),
    ]
    assert [(row.value, row.text, row.count) for row in found["tries"]] == [
        ("1", "1", 4),
        ("2", "2", 1),
    ]
    assert facet_counts(failed_orders(), {}, 1) == {}


@pytest.mark.parametrize(
    ("created", "tried", "minutes"),
    [
        (0, 0, 0),
        (0, 59_999, 0),
        (0, 60_000, 1),
        (500, 60_400, 0),
        (500, 60_500, 1),
        (999, 61_000, 1),
        (1, 60_000, 0),
        (1, 0, -1),
        (0, -300_000, -1),
        (0, 86_400_000, 1_440),
    ],
)
def test_a_lag_is_in_whole_minutes_by_milliseconds(created: int, tried: int, minutes: int) -> None:
    logged(0)
    FailedOrder.objects.update(
        order_created_at=START + timedelta(milliseconds=created),
        first_at=START + timedelta(milliseconds=tried),
    )
    shop = FailedOrder.objects.get().shop_id
    assert counts.lags(failed_orders()) == {shop: {minutes: 1}}


def test_a_quarter_of_an_hour_holds_its_beginning_and_not_its_end() -> None:
    minutes = [0, 14.999, 15, 29.999, 30, 44.999, 45, 45, 59.999, 60]
    logged(None, *(minute / 1_440 for minute in minutes))
    quarter = timedelta(minutes=15)
    assert counts.quarters(failed_orders(), "last_failed_at") == {
        START: 2,
        START + quarter: 2,
        START + 2 * quarter: 2,
        START + 3 * quarter: 3,
        START + 4 * quarter: 1,
    }


def test_without_owner_are_those_that_are_missing() -> None:
    logged(0, 1, 2)
    missing = FailedOrder.objects.filter(order_name__in=["#0", "#1"])
    missing.update(verdict=Verdict.MISSING)
    FailedOrder.objects.filter(order_name="#1").update(assignee="ann")
    found = counts.per_view(failed_orders(), NOW, 1)
    assert (found.by_view["missing"], found.missing_without_owner) == (2, 1)
