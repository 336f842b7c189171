"""Figures and histogram above the list, counted again from the raw documents.

The counting imports nothing of what it checks.
"""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client as Browser

from reconciler.ledger.models import FailedOrder, State, SyncState
from reconciler.ledger.work import triage
from tests.clock import NOW as CLOCK
from tests.clock import day, local, stopped_at
from tests.dashboard.conftest import Open, Page
from tests.makers import document

Keep = Callable[..., None]
Raws = list[dict[str, Any]]
KINDS = {
    "Product not exist": "Mapping",
    "Transaction is empty": "Payment",
    "Deadlock found when trying to get lock; try restarting transaction": "Database",
    "Something new": "Unexpected",
}
#: New York went back to winter time on 1 November 2026, so that day had 25 hours.
AROUND = datetime(2026, 10, 25, tzinfo=UTC)
#: After it, at the time of day of the clock.
NOW = max(CLOCK, CLOCK.replace(month=11, day=24))


@pytest.fixture
def moment() -> datetime:
    return NOW


def logged(raw: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(raw["timestamp"])


@pytest.fixture
def raws(keep: Keep) -> Raws:
    """Orders around the change of the clocks, every 5 h 20 min, some tried again later."""
    kinds = list(KINDS)
    made = [
        document(
            f"#{i}",
            document_id=f"d{i}",
            logged=AROUND + timedelta(minutes=320 * i),
            error=kinds[i * i % 3 if i < 40 else i % 4],
        )
        for i in range(70)
    ]
    again = [
        document(
            f"#{i}",
            document_id=f"again{i}",
            logged=AROUND + timedelta(minutes=320 * i, days=3),
            error=kinds[(i + 1) % 3],
        )
        for i in range(0, 60, 7)
    ]
    keep(*made, *again, made[5])
    SyncState.objects.update(loaded_at=NOW - timedelta(days=100), answered_at=NOW)
    return made + again


def by_order(raws: Raws) -> dict[str, dict[str, Any]]:
    latest: dict[str, dict[str, Any]] = {}
    for raw in sorted(raws, key=logged):
        latest[raw["shopifyOrderName"]] = raw
    return latest


def numbers(page: Page) -> dict[str, list[int]]:
    """Rows of the chart's table: label -> values, the total last."""
    (table,) = page.root.all("table", data_chart=...)  # type: ignore[arg-type]
    return {
        row.all("th")[0].text: [int(cell.get("data-value")) for cell in row.all("td")]
        for row in table.all("tr")[1:]
    }


def figure(page: Page, name: str) -> int:
    return int(page.root.one(data_figure=name).get("data-value"))


@pytest.mark.parametrize("days", [5, 7, 11, 13])
def test_a_chart_ends_where_its_data_ends(days: int, open_page: Open, raws: Raws) -> None:
    last = AROUND.date() + timedelta(days=days)
    page = open_page(f"/orders/?view=all&from={AROUND:%Y-%m-%d}&to={last - timedelta(days=1)}")
    chart = page.root.one("figure").all("svg")
    drawn = next(svg for svg in chart if svg.get("viewbox"))
    assert drawn.get("viewbox") == f"0 0 {days} 100"
    assert len(drawn.all("title")) == days
    places = [
        float(text.get("x").removesuffix("%")) for text in page.root.one("figure").all("text")
    ]
    assert places[0] == 0
    assert max(places) < 100


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_each_bar_has_the_orders_of_its_day_by_category_and_opens_them(
    zone: str, open_page: Open, raws: Raws, settings: Any
) -> None:
    settings.TIME_ZONE = settings.DASHBOARD_TIME_ZONE = zone
    there = ZoneInfo(zone)
    page = open_page("/orders/?from=2026-10-27&to=2026-11-06&state=resolved")
    expected: dict[str, Counter[str]] = {}
    for raw in by_order(raws).values():
        there_day = logged(raw).astimezone(there)
        expected.setdefault(f"{there_day.day} {there_day:%b %Y}", Counter())[
            KINDS[raw["errorMessage"]]
        ] += 1
    heads = [th.text for th in page.root.one("table", data_chart="failed-per-day").all("th")]
    categories = heads[1 : heads.index("All")]
    rows = numbers(page)
    assert len(rows) == 11
    for label, values in rows.items():
        counts = expected.get(label, Counter())
        assert dict(zip(categories, values, strict=False)) == {c: counts[c] for c in categories}
        assert values[-1] == sum(counts.values())
    total = sum(values[-1] for values in rows.values())
    assert (
        figure(page, "failed")
        == total
        == open_page(page.root.one(id_="figure-failed").get("href")).total
    )
    bars = [link for link in page.root.all("a") if link.get("tabindex") == "-1"]
    assert len(bars) == 11
    # The table has the latest day first.
    for bar, values in zip(bars, reversed(rows.values()), strict=True):
        assert open_page(bar.get("href")).total == values[-1]


def test_the_change_is_against_as_many_days_before(open_page: Open, raws: Raws) -> None:
    page = open_page("/orders/?from=2026-11-01&to=2026-11-04")

    def within(first: int, last: int, month: int = 11) -> int:
        days = [local(logged(raw)).date() for raw in by_order(raws).values()]
        return sum(d.month == month and first <= d.day <= last for d in days)

    now, before = within(1, 4), within(28, 31, month=10)
    percent = round(100 * (now - before) / before)
    words = page.root.one(data_figure="failed").text
    assert figure(page, "failed") == now
    assert (f"{abs(percent)}%" if percent else "no change") in words
    assert f"from {before}" in words


def test_days_that_were_not_seen_are_not_compared(open_page: Open, raws: Raws) -> None:
    query = "/orders/?from=2026-11-01&to=2026-11-04"
    assert "from" in open_page(query).root.one(data_figure="failed").text
    # The first load reaches back 60 days: to 30 October.
    SyncState.objects.update(loaded_at=datetime(2026, 12, 29, tzinfo=UTC))
    assert "from" not in open_page(query).root.one(data_figure="failed").text
    SyncState.objects.update(loaded_at=None)
    assert "from" not in open_page(query).root.one(data_figure="failed").text


def test_a_signature_is_new_where_its_first_log_timestamp_ever_lies(
    open_page: Open, raws: Raws
) -> None:
    for first, last in (("2026-10-25", "2026-10-26"), ("2026-11-02", "2026-11-06")):
        firsts: dict[str, str] = {}
        for raw in sorted(raws, key=logged):
            firsts.setdefault(raw["errorMessage"], day(logged(raw)))
        matching = {
            raw["errorMessage"]
            for raw in by_order(raws).values()
            if first <= day(logged(raw)) <= last
        }
        expected = sum(first <= firsts[error] <= last for error in matching)
        assert figure(open_page(f"/orders/?from={first}&to={last}"), "new") == expected


def test_expiring_opens_what_it_counts(open_page: Open, keep: Keep) -> None:
    keep(*(document(f"#{i}", logged=NOW - timedelta(days=i)) for i in range(40, 60)))
    page = open_page("/orders/?view=all")
    assert figure(page, "expiring") == 7
    assert open_page(page.root.one(id_="figure-expiring").get("href")).total == 7


@pytest.mark.parametrize(
    ("query", "unit"),
    [
        ("period=24h", "hour"),
        ("period=30d", "day"),
        ("period=12m", "week"),
        ("from=2018-01-01", "month"),
        ("from=1990-01-01", "year"),
        ("from=0002-01-01&to=9998-12-30", "day"),
        ("date=created", "day"),
        ("date=expires&period=90d", "day"),
    ],
)
def test_bars_sum_to_the_total_in_every_unit(
    query: str, unit: str, open_page: Open, keep: Keep, browser: Browser
) -> None:
    keep(*(document(f"#{i}", logged=NOW - timedelta(hours=i * i / 2)) for i in range(1, 40)))
    page = open_page(f"/orders/?{query}")
    (table,) = page.root.all("table", data_chart=...)  # type: ignore[arg-type]
    assert table.get("data-chart") == f"failed-per-{unit}"
    rows = numbers(page)
    assert sum(values[-1] for values in rows.values()) == figure(page, "failed") > 0
    links = table.all("a")
    for link in links:  # the API answers the same query, without drawing anything
        query = link.get("href").partition("?")[2]
        assert browser.get(f"/api/orders?limit=1&{query}").json()["total"] == rows[link.text][-1]
    for link in links[:2] + links[-2:]:
        assert open_page(link.get("href")).total == rows[link.text][-1]


def test_a_document_of_2099_or_without_a_date_is_told_and_not_drawn(
    open_page: Open, keep: Keep
) -> None:
    keep(
        document("#1"),
        document("#2", logged=datetime(2099, 1, 1, tzinfo=UTC)),
        document("#3", timestamp=None),
    )
    page = open_page("/orders/")
    assert figure(page, "failed") == 3
    assert sum(values[-1] for values in numbers(page).values()) == 1
    assert "2 without a date or with a later one are not drawn" in page.html


def test_ages_tell_how_many_have_no_date_or_a_later_one(open_page: Open, keep: Keep) -> None:
    untried: dict[str, Any] = {"firstAttemptedImport": None}
    later = document("#2", logged=NOW + timedelta(days=9), **untried)
    keep(document("#1"), later, document("#3", timestamp=None, **untried))
    page = open_page("/trends/?view=all")
    (ages,) = page.root.all("section", aria_labelledby="h-ages")
    assert "2 without a date or with a later one" in " ".join(ages.text.split())
    assert sum(int(td.get("data-value") or 0) for td in ages.all("td", data_value=...)) == 1  # type: ignore[arg-type]


def test_what_expires_within_a_day_is_told_to_the_minute(keep: Keep, open_page: Open) -> None:
    """Drawn parts of a page are kept, and this figure changes without a change of the ledger."""
    begin = NOW.replace(minute=0, second=0, microsecond=0)
    expires = begin + timedelta(days=1, seconds=30)
    with stopped_at(begin):
        keep(document("#1", logged=expires - timedelta(days=60)))
        FailedOrder.objects.update(expires_at=expires)
        assert "within 24 h" not in open_page("/orders/").root.one(data_figure="expiring").text
    with stopped_at(begin + timedelta(minutes=1)):
        shown = open_page("/orders/").root.one(data_figure="expiring")
        assert (shown.get("data-value"), "1 within 24 h" in shown.text) == ("1", True)


def test_an_ignored_order_is_open_on_trends_once_its_day_comes(keep: Keep, open_page: Open) -> None:
    """Outcomes are cached, and this one changes without a change of the ledger."""
    failed = NOW - timedelta(days=3)
    keep(
        *(document(name, document_id=name, created=failed, logged=failed) for name in ("#1", "#2"))
    )
    # What arrived makes the rows that are asked about.
    FailedOrder.objects.filter(order_name="#2").update(verdict="imported", arrived_at=NOW)
    keys = list(FailedOrder.objects.filter(order_name="#1").values_list("pk", flat=True))
    triage.set_state(keys, State.IGNORED, day(NOW), "ann", failed)
    midnight = local(NOW).replace(hour=0, minute=0, second=0, microsecond=0)
    counts = []
    for moment in (midnight - timedelta(minutes=1), midnight + timedelta(minutes=1)):
        with stopped_at(moment):
            row = open_page("/trends/?period=all").root.one("tr", data_key="open")
            counts.append(row.one("td", data_value=...).get("data-value"))  # type: ignore[arg-type]
    assert counts == ["1", "2"]


def test_without_a_match_there_is_no_chart_and_the_figures_say_nought(
    open_page: Open, raws: Raws
) -> None:
    page = open_page("/orders/?q=nothing+like+it")
    assert figure(page, "failed") == figure(page, "new") == 0
    assert not page.root.all("table", data_chart=...)  # type: ignore[arg-type]


def test_what_is_kept_is_counted_anew_once_the_ledger_changes(keep: Keep, open_page: Open) -> None:
    keep(document("#1", error="One"))
    for path in ("/orders/?view=all", "/trends/", "/orders/?view=all", "/trends/"):
        assert open_page(path).total == 1
    keep(document("#2", error="Two"))
    orders, trends = open_page("/orders/?view=all"), open_page("/trends/")
    assert orders.total == trends.total == figure(orders, "failed") == figure(orders, "new") == 2
    per_day = orders.root.one("table", data_chart=...).all("td", data_value=...)  # type: ignore[arg-type]
    assert max(int(cell.get("data-value")) for cell in per_day) == 2


def test_a_figure_that_changes_without_a_change_of_the_ledger_is_drawn_anew(
    keep: Keep, open_page: Open
) -> None:
    keep(document("#1", logged=CLOCK - timedelta(days=53) + timedelta(seconds=30)))

    def expiring() -> tuple[str, str]:
        page = open_page("/orders/")
        figure = page.root.one(data_figure="expiring").get("data-value")
        return figure, page.root.one(id_="view-expiring").text.rsplit(" ", 1)[1]

    assert expiring() == ("0", "0")
    with stopped_at(CLOCK + timedelta(minutes=1)):
        assert expiring() == ("1", "1")


def test_drawn_parts_are_kept_until_the_ledger_changes(
    keep: Keep, open_page: Open, django_assert_max_num_queries: Any
) -> None:
    keep(document("#1", error="Transaction is empty"), document("#2", error="Oh no"))
    first = open_page("/orders/")
    with django_assert_max_num_queries(11):  # session, person, state, attempt, two counts, rows
        again = open_page("/orders/")
    assert again.root.one(id_="facets").text == first.root.one(id_="facets").text
    keep(document("#3", error="Oh no", document_id="third"))
    facet = open_page("/orders/").root.one("section", data_facet="error")
    counts = {v.get("data-count") for v in facet.all("a", data_value=...)}  # type: ignore[arg-type]
    assert counts == {"1", "2"}
