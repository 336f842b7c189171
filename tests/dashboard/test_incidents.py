"""Errors against the period before, and incidents, as the page of errors shows them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.wording import local
from reconciler.ledger.models import FailedOrder, Shop, SyncState
from tests.clock import NOW
from tests.dashboard.conftest import Element, Open, Page
from tests.makers import document

pytestmark = pytest.mark.django_db
Keep = Callable[..., None]
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
STORM = "Shopify GraphQL request failed for orders search; status: 502"
#: An hour of UTC, which may begin on another day of the dashboard's zone than it ends.
STORM_BEGAN = (NOW - 3 * DAY).replace(minute=0, second=0, microsecond=0)


@pytest.fixture
def known(keep: Keep) -> None:
    """A storm three days ago, an error that fell, one that stayed away, and thirty days of asking."""
    moments = [(STORM_BEGAN + n * MINUTE, STORM) for n in range(30)]
    moments += [(NOW - 9 * DAY + n * timedelta(hours=3), STORM) for n in range(4)]
    moments += [(NOW - (8 + n / 2) * DAY, "Transaction is empty") for n in range(9)]
    moments += [(NOW - n * DAY, "Product not exist") for n in range(1, 14)]
    keep(
        *(
            document(f"#{n}", error=error, logged=at, created=at - 10 * MINUTE, document_id=f"d{n}")
            for n, (at, error) in enumerate(moments)
        )
    )
    SyncState.objects.update(loaded_at=NOW, answered_at=NOW)


def row_of(page: object, error: str) -> Element:
    rows = page.root.all("tr", data_slug=...)  # type: ignore[attr-defined]
    (row,) = [row for row in rows if error in row.one("th", data_column="error").text]
    return row


def change(row: Element) -> tuple[int, int]:
    cell = row.one("td", data_column="change").one("span", data_before=...)  # type: ignore[arg-type]
    return int(cell.get("data-value")), int(cell.get("data-before"))


@pytest.mark.parametrize("query", ["", "?period=7d", "?date=first&period=7d"])
def test_an_error_is_set_against_the_period_before(
    known: None, open_page: Open, query: str
) -> None:
    page = open_page(f"/errors/{query}")
    assert change(row_of(page, STORM)) == (30 - 4, 4)
    assert row_of(page, STORM).one("span", data_label="worse")
    if not query:
        fell = row_of(page, "Transaction is empty")
        assert sum(change(fell)) == 0
        assert fell.one("span", data_label="quiet")
        assert not row_of(page, "Product not exist").all("span", data_label="worse")


@pytest.mark.parametrize(("label", "found"), [("worse", STORM), ("quiet", "Transaction is empty")])
def test_a_label_is_a_filter_of_its_own(
    known: None, open_page: Open, label: str, found: str
) -> None:
    page = open_page(f"/errors/?label={label}")
    assert [
        row.one("th", data_column="error").text.endswith(found)
        for row in page.root.all("tr", data_slug=...)
    ] == [True]  # type: ignore[arg-type]


def test_without_a_period_before_nothing_is_compared(known: None, open_page: Open) -> None:
    SyncState.objects.update(loaded_at=None)
    for page in (open_page("/errors/"), open_page("/errors/?period=7d")):
        assert not page.root.all("span", data_label="worse")
        assert not page.root.all("span", data_before=...)  # type: ignore[arg-type]
        assert not page.root.all("li", data_incident=...)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("query", "there"),
    [
        ("", True),
        ("?period=7d", True),
        ("?period=24h", False),
        ("?q=Product", False),
        ("?category=connection&period=30d", True),
    ],
)
def test_an_incident_stands_above_the_errors_of_its_period(
    known: None, open_page: Open, query: str, there: bool
) -> None:
    found = open_page(f"/errors/{query}").root.all("li", data_incident=...)  # type: ignore[arg-type]
    assert len(found) == there
    for incident in found:
        start, end = (
            datetime.fromisoformat(incident.get(f"data-{edge}")) for edge in ("start", "end")
        )
        assert start.utcoffset() == timedelta(0)
        assert (end - start, incident.get("data-orders")) == (29 * MINUTE, "30")
        page = open_page(incident.one("a").get("href"))
        assert page.root.one("li", data_incident=...).get("data-error") == incident.get(  # type: ignore[arg-type]
            "data-error"
        )


def test_one_that_lasts_has_no_end(keep: Keep, open_page: Open) -> None:
    keep(
        *(
            document(f"#{n}", error=STORM, logged=NOW - n * MINUTE, created=NOW - (n + 10) * MINUTE)
            for n in range(1, 20)
        )
    )
    SyncState.objects.update(loaded_at=NOW, answered_at=NOW)
    (incident,) = open_page("/errors/").root.all("li", data_incident=...)  # type: ignore[arg-type]
    assert incident.get("data-end") == ""
    assert "since" in incident.text
    assert datetime.fromisoformat(incident.get("data-start")).tzinfo == UTC


@pytest.mark.parametrize("period", ["7d", "30d"])
def test_trends_mark_it_with_a_letter_over_its_days(
    known: None, open_page: Open, period: str
) -> None:
    page = open_page(f"/trends/?period={period}")
    (listed,) = page.root.all("li", data_incident=...)  # type: ignore[arg-type]
    (strip,) = [svg for svg in page.root.all("svg") if svg.get("class") == "incident-strip"]
    assert strip.one("text").text == listed.one("span", aria_hidden="true").text == "A"
    (band,) = [rect for rect in page.root.all("rect") if rect.get("class") == "incident"]
    titles = [title.text for title in chart_svg(page).all("title")]
    assert titles[0].endswith(f"{listed.get('data-orders')} orders")
    days = [time.get("datetime") for time in chart_of(page).one("tbody").all("time")][::-1]
    first, width = int(band.get("x")), int(band.get("width"))
    marked = {local(datetime.fromisoformat(listed.get(f"data-{end}"))).date() for end in ENDS}
    assert {str(day) for day in marked} == set(days[first : first + width])


def test_what_began_before_the_chart_and_lasts_is_marked_within_it(
    known: None, open_page: Open
) -> None:
    start = local(STORM_BEGAN).date()
    dates = {f"from={start}&to={start}": 1, "period=24h": 0, "date=created&period=7d": 0}
    for query, marked in dates.items():
        page = open_page(f"/trends/?{query}")
        width = int(chart_svg(page).get("viewbox").split()[2])
        bands = [rect for rect in page.root.all("rect") if rect.get("class") == "incident"]
        assert len(bands) == marked
        for band in bands:
            assert 0 <= int(band.get("x")) < width
            assert int(band.get("x")) + int(band.get("width")) <= width


ENDS = ("start", "end")


def chart_of(page: Page) -> Element:
    return page.root.one("table", data_chart="failed-per-day")


def chart_svg(page: Page) -> Element:
    return next(svg for svg in page.root.all("svg") if svg.get("class") == "plot__main")


@pytest.mark.parametrize(
    ("third_has_an_order", "words"), [(False, "all 2 shops"), (True, "2 shops")]
)
def test_all_shops_are_those_that_have_orders(
    third_has_an_order: bool, words: str, keep: Keep, open_page: Open
) -> None:
    for n in range(30):
        at, host = STORM_BEGAN + n * MINUTE, f"s{n % 2}.myshopify.com"
        made = {"host": host, "shop_id": str(n % 2), "document_id": f"d{n}"}
        keep(document(f"#{n}", error=STORM, logged=at, created=at - 10 * MINUTE, **made))
    other = {"host": "s2.myshopify.com", "shop_id": "2", "document_id": "other"}
    keep(document("#other", logged=STORM_BEGAN, created=STORM_BEGAN, **other))
    if not third_has_an_order:
        FailedOrder.objects.filter(order_name="#other").delete()
    assert Shop.objects.count() == 3
    SyncState.objects.update(loaded_at=NOW, answered_at=NOW)
    incident = open_page("/errors/?period=7d").root.one(data_incident=...)  # type: ignore[arg-type]
    assert words in incident.text
    assert ("all" in incident.text.split()) != third_has_an_order
