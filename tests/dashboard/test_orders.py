"""The list: every parameter of the query string, counted against the raw documents."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client as Browser

from reconciler.ledger.models import FailedOrder
from tests.clock import NOW, day, days_ago
from tests.dashboard.conftest import Open, slug
from tests.makers import document

Raws = list[dict[str, Any]]
Keep = Callable[..., None]


def latest(raws: Raws) -> dict[tuple[str, str], dict[str, Any]]:
    """The latest document of each order, by shop id and name, from the raw documents."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for raw in sorted(raws, key=lambda r: (r["timestamp"], r["document-id"])):
        shop = raw["site"].split("/")[3] if "myshopify" in raw["site"] else "c"
        found[shop, raw["shopifyOrderName"] or raw["document-id"]] = raw
    return found


def test_the_list_shows_every_order_once_latest_first(open_page: Open, ledger: Raws) -> None:
    page = open_page("/orders/?per_page=200")
    expected = sorted(latest(ledger).values(), key=lambda r: r["timestamp"], reverse=True)
    assert page.total == len(expected) == 62
    assert page.names == [r["shopifyOrderName"] for r in expected]


def test_a_row_carries_the_hooks_and_the_cells(open_page: Open, keep: Keep) -> None:
    raw = document("#1001", logged=NOW - timedelta(hours=3), error="Deadlock 5")
    keep(raw)
    row = open_page("/orders/").root.one("tr", data_order_name="#1001")
    assert row.get("data-shop") == "hc-demo.myshopify.com"
    cells = {td.get("data-column"): td for td in row.all("td")}
    assert set(cells) == {
        "order",
        "shop",
        "error",
        "attempts",
        "created",
        "first",
        "failed",
        "expires",
    }
    assert "3 h ago" in cells["failed"].text
    assert cells["attempts"].text.startswith("1")
    assert cells["error"].one("a").text == "Deadlock ‹n›"
    link = row.one("a", target="_blank")
    assert link.get("href") == raw["site"]
    assert link.get("rel") == "noreferrer noopener"


def test_a_row_without_a_name_carries_its_document(open_page: Open, ledger: Raws) -> None:
    (row,) = open_page("/orders/?per_page=200").root.all("tr", data_document_id=...)  # type: ignore[arg-type]
    assert row.get("data-document-id") == "nameless"
    assert row.get("data-order-name") == ""


@pytest.mark.parametrize(
    "sort", ["failed", "created", "first", "expires", "order", "shop", "error", "attempts", "state"]
)
def test_each_sort_reverses(sort: str, open_page: Open, ledger: Raws) -> None:
    up = open_page(f"/orders/?per_page=200&sort={sort}")
    down = open_page(f"/orders/?per_page=200&sort=-{sort}")
    nulls = [""] if sort == "order" else []
    named = [n for n in up.names if n or not nulls]
    assert [n for n in down.names if n or not nulls] == list(reversed(named))
    assert up.names[len(named) :] == down.names[len(named) :] == nulls


def test_pages_follow_each_other_and_the_last_stands_for_any_later(
    open_page: Open, ledger: Raws
) -> None:
    pages = [open_page(f"/orders/?per_page=25&page={n}").names for n in (1, 2, 3)]
    assert [len(names) for names in pages] == [25, 25, 12]
    assert sum(pages, []) == open_page("/orders/?per_page=200").names
    assert open_page("/orders/?per_page=25&page=99").names == pages[2]
    assert open_page(f"/orders/?per_page=25&page={'9' * 40}").names == pages[2]


def expect(ledger: Raws, keep_it: Callable[[dict[str, Any]], bool]) -> list[str]:
    return sorted(r["shopifyOrderName"] for r in latest(ledger).values() if keep_it(r))


def logged(raw: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(raw["timestamp"].replace("Z", "+00:00"))


def created(raw: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(int(raw["orderCreatedDate"]) / 1000, UTC)


def passing(raw: dict[str, Any]) -> bool:
    return "Deadlock" in raw["errorMessage"] or raw["errorMessage"] == "Connection timeout"


FIRST, LAST = days_ago(20), days_ago(10)
FILTERS: list[tuple[str, Callable[[dict[str, Any]], bool]]] = [
    ("", lambda r: True),
    ("view=all", lambda r: True),
    ("q=error+a", lambda r: "Error A" in r["errorMessage"]),
    ("q=%231007", lambda r: r["shopifyOrderName"] == "#1007"),
    (f"error={slug('Error A at row 1')}", lambda r: "Error A" in r["errorMessage"]),
    (f"error=!{slug('Error A at row 1')}", lambda r: "Error A" not in r["errorMessage"]),
    (
        f"error={slug('Error A at row 1')}&error={slug('Error B at row 1')}",
        lambda r: r["errorMessage"][:7] in ("Error A", "Error B"),
    ),
    ("shop=a.myshopify.com", lambda r: "//a." in r["site"]),
    (
        "shop=A.MyShopify.com&shop=www.c.com",
        lambda r: "//a." in r["site"] or "//www.c" in r["site"],
    ),
    ("shop=!a.myshopify.com", lambda r: "//a." not in r["site"]),
    ("shop=nobody.example", lambda r: False),
    ("error=000000000000", lambda r: False),
    ("period=24h", lambda r: NOW - logged(r) < timedelta(hours=24)),
    ("period=7d", lambda r: day(logged(r)) > days_ago(7)),
    ("period=30d", lambda r: day(logged(r)) > days_ago(30)),
    ("period=30d&date=created", lambda r: day(created(r)) > days_ago(30)),
    (f"from={FIRST}&to={LAST}", lambda r: FIRST <= day(logged(r)) <= LAST),
    (f"from={FIRST}&to={FIRST}", lambda r: day(logged(r)) == FIRST),
    (f"from={FIRST}&period=24h", lambda r: day(logged(r)) >= FIRST),
    (f"to={LAST}", lambda r: day(logged(r)) <= LAST),
    (
        "date=expires&period=30d",
        lambda r: day(NOW) <= day(logged(r) + timedelta(days=60)) < days_ago(-30),
    ),
    ("order=1007", lambda r: r["shopifyOrderName"] == "#1007"),
    ("order=1007,%231009%0A1010", lambda r: r["shopifyOrderName"] in ("#1007", "#1009", "#1010")),
    ("q=&view=&error=&shop=&from=&to=&period=&page=&sort=", lambda r: True),
    ("unknown=1&nothing=%00", lambda r: True),
    ("page=abc&page=1", lambda r: True),
    ("view=failing", lambda r: r["document-id"] in ("again5",)),
    ("view=expiring", lambda r: logged(r) + timedelta(days=60) < NOW + timedelta(days=7)),
    ("view=needs", lambda r: not passing(r) or r["document-id"] == "again5"),
    ("category=mapping", lambda r: "Product not" in r["errorMessage"]),
    ("category=!mapping", lambda r: "Product not" not in r["errorMessage"]),
    ("category=database&category=connection", passing),
    ("category=mapping&retry=yes", lambda r: False),
    ("category=payment", lambda r: False),
    ("retry=yes", passing),
    ("retry=!yes", lambda r: not passing(r)),
    ("retry=after_fix", lambda r: "Product not" in r["errorMessage"]),
    ("state=open", lambda r: True),
    ("state=resolved", lambda r: False),
    ("state=!open", lambda r: False),
]


@pytest.mark.parametrize(("query", "keep_it"), FILTERS)
def test_a_filter_finds_what_the_raw_documents_say(
    query: str, keep_it: Callable[[dict[str, Any]], bool], open_page: Open, ledger: Raws
) -> None:
    page = open_page(f"/orders/?per_page=200&{query}")
    expected = expect(ledger, keep_it)
    assert page.status == 200
    assert sorted(page.names) == expected
    assert page.total == len(expected)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("view=mine2", "view"),
        ("category=mappings", "category"),
        ("retry=!maybe", "retry"),
        ("date=later", "date"),
        ("period=8d", "period"),
        ("sort=colour", "sort"),
        ("sort=--failed", "sort"),
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=1.5", "page"),
        ("page=two", "page"),
        ("per_page=7", "per_page"),
        ("from=2026-11-31", "from"),
        ("from=31.11.2026", "from"),
        ("to=2026-1-5", "to"),
        ("to=0000-01-01", "to"),
        ("from=2026-11-20&to=2026-11-19", "to"),
        ("q=%00", "q"),
        ("order=%00", "order"),
        ("error=%00", "error"),
        ("shop=a%00", "shop"),
        ("from=2026-11-1%00", "from"),
        ("state=lost", "state"),
        (f"q={'x' * 501}", "q"),
        (f"error={'x' * 201}", "error"),
        (f"shop=a.b&shop={'x' * 201}", "shop"),
        (f"from={'2' * 201}", "from"),
        (f"order={','.join(str(n) for n in range(1001))}", "order"),
    ],
)
def test_a_value_that_cannot_be_read_is_told_beside_its_field(
    query: str, field: str, open_page: Open, ledger: Raws
) -> None:
    page = open_page(f"/orders/?q=kept&{query}" if field != "q" else f"/orders/?{query}")
    assert page.status == 400
    assert page.root.one(id_=f"{field}-error").text
    assert not page.root.all(data_total=...)  # type: ignore[arg-type]
    if field != "q":
        assert page.root.one("input", id_="q").get("value") == "kept"


@pytest.mark.parametrize(
    ("day", "words"),
    [
        ("2026-02-31", "February 2026 has 28 days. Write a day as 2026-02-28."),
        ("2028-02-30", "February 2028 has 29 days. Write a day as 2028-02-29."),
        ("2026-11-31", "November has 30 days. Write a day as 2026-11-30."),
        ("2026-13-01", "There is no such day. Write a day as 2026-11-30."),
        ("2026-00-01", "There is no such day. Write a day as 2026-11-30."),
        ("2026-11-00", "There is no such day. Write a day as 2026-11-30."),
        ("0000-11-01", "There is no such day. Write a day as 2026-11-30."),
    ],
)
def test_the_message_says_what_would_be_right(day: str, words: str, open_page: Open) -> None:
    assert open_page(f"/orders/?from={day}").root.one(id_="from-error").text == words


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_ends_of_the_calendar_are_days_too(day: str, open_page: Open, ledger: Raws) -> None:
    assert open_page(f"/orders/?from={day}").status == 200
    assert open_page(f"/orders/?to={day}").status == 200


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"])
def test_days_are_days_of_the_dashboards_zone(
    zone: str, open_page: Open, ledger: Raws, settings: Any
) -> None:
    from zoneinfo import ZoneInfo

    settings.TIME_ZONE = zone
    counted = Counter(
        f"{logged(r).astimezone(ZoneInfo(zone)):%Y-%m-%d}" for r in latest(ledger).values()
    )
    for name, count in list(counted.items())[:12]:
        assert open_page(f"/orders/?from={name}&to={name}").total == count


def test_a_day_of_25_hours_has_all_its_orders(open_page: Open, keep: Keep, settings: Any) -> None:
    settings.TIME_ZONE = "America/New_York"
    for hour in range(30):  # 1 November 2026: 04:00 UTC to 05:00 UTC on the 2nd
        moment = datetime(2026, 11, 1, 0, 30, tzinfo=UTC) + timedelta(hours=hour)
        keep(document(f"#{hour}", logged=moment))
    page = open_page("/orders/?from=2026-11-01&to=2026-11-01&per_page=200")
    assert sorted(int(n[1:]) for n in page.names) == list(range(4, 29))


# ------------------------------------------------------------------------- around the list


def test_facets_count_without_their_own_filter_and_open_as_many(
    open_page: Open, ledger: Raws
) -> None:
    others = {"shop": "a.myshopify.com", "retry": "!check_first"}
    page = open_page(f"/orders/?{urlencode(others)}")
    for facet in ("error", "category", "retry", "shop"):
        (section,) = page.root.all(data_facet=facet)
        rest = {name: value for name, value in others.items() if name != facet}
        whole = open_page(f"/orders/?{urlencode(rest)}").total
        values = section.all("a", data_value=...)  # type: ignore[arg-type]
        assert sum(int(value.get("data-count")) for value in values) == whole
        for value in values:
            count = int(value.get("data-count"))
            own = {facet: value.get("data-value")}
            assert open_page(f"/orders/?{urlencode(rest | own)}").total == count
            own[facet] = f"!{own[facet]}"
            assert open_page(f"/orders/?{urlencode(rest | own)}").total == whole - count
    section = page.root.one(data_facet="shop")
    shops = {v.get("data-value") for v in section.all("a", data_value=...)}  # type: ignore[arg-type]
    assert shops == {"a.myshopify.com", "b.myshopify.com", "www.c.com", "hc-demo.myshopify.com"}


def test_tabs_count_what_they_open(open_page: Open, ledger: Raws) -> None:
    page = open_page("/orders/?q=error")
    tabs = page.root.one(id_="views").all("a")
    assert [t.text.rsplit(" ", 1)[0] for t in tabs] == [
        "Open",
        "Expiring soon",
        "Failing again",
        "Needs a person",
        "All",
    ]
    for tab in tabs:
        assert open_page(tab.get("href")).total == int(tab.text.rsplit(" ", 1)[1])


def test_chips_say_each_filter_and_take_it_away(open_page: Open, ledger: Raws) -> None:
    url = f"/orders/?q=error&shop=a.myshopify.com&shop=!b.myshopify.com&from={FIRST}&page=1"
    page = open_page(url)
    chips = page.root.all("li", class_="chip")
    assert [c.all("span")[0].text for c in chips] == ["Text", "Shop", "Shop not", "Last failed"]
    hrefs = [c.one("a").get("href") for c in chips]
    assert len(set(hrefs)) == 4
    for href in hrefs:
        assert len(open_page(href).root.all("li", class_="chip")) == 3
    (clear,) = page.root.all("a", class_="clear")
    assert not open_page(clear.get("href")).root.all("li", class_="chip")


def test_an_unknown_value_has_a_chip_to_remove(open_page: Open, ledger: Raws) -> None:
    page = open_page("/orders/?error=000000000000&shop=nobody.example")
    assert page.total == 0
    assert len(page.root.all("li", class_="chip")) == 2
    assert "No open order matches" in page.html


def test_a_pasted_list_gets_one_answer_per_name_in_the_order_typed(
    open_page: Open, ledger: Raws
) -> None:
    page = open_page("/orders/?order=%231007,nobody%0A1003+HC%231003,1007")
    answers = [
        (e.get("data-asked-name"), e.get("data-answer"))
        for e in page.root.all(data_asked_name=...)  # type: ignore[arg-type]
    ]
    assert answers == [
        ("#1007", "found"),
        ("nobody", "cannot_ask"),  # no HotWax is there to be asked
        ("1003", "found"),
        ("HC#1003", "cannot_ask"),
        ("1007", "found"),
    ]


def test_names_find_orders_of_any_state(open_page: Open, ledger: Raws) -> None:
    FailedOrder.objects.filter(order_name="#1007").update(state="resolved")
    assert open_page("/orders/?order=1007").names == ["#1007"]
    assert open_page("/orders/?order=1007&view=open").names == []


def test_a_fragment_is_the_results_alone_and_says_that_it_varies(
    open_page: Open, ledger: Raws
) -> None:
    page = open_page("/orders/?q=error&page=", **{"HX-Request": "true"})
    assert "<html" not in page.html
    assert page.root.one(id_="results").all(data_total=...)  # type: ignore[arg-type]
    assert "HX-Request" in page.response["Vary"]
    assert page.response["HX-Push-Url"] == "/orders/?q=error"
    full = open_page("/orders/?q=error")
    assert "HX-Request" in full.response["Vary"]
    assert full.root.one(id_="results").all("tr") and full.total == page.total


def test_a_history_restore_gets_the_whole_page(open_page: Open, ledger: Raws) -> None:
    headers = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    assert "<html" in open_page("/orders/", **headers).html


def test_typing_swaps_the_tabs_along_and_a_chip_the_form(open_page: Open, ledger: Raws) -> None:
    typed = open_page("/orders/?q=x", **{"HX-Request": "true", "HX-Target": "results"})
    assert typed.root.one(id_="tabs").get("hx-swap-oob") == "true"
    assert typed.root.one(id_="export").get("href") == "/orders/export.csv?q=x"
    assert not typed.root.all("form", class_="filters")
    chip = open_page("/orders/", **{"HX-Request": "true", "HX-Target": "list"})
    assert chip.root.one("form", class_="filters").one("input", id_="q").get("value") == ""


def test_the_form_carries_what_it_does_not_show(open_page: Open, ledger: Raws) -> None:
    page = open_page("/orders/?view=all&shop=a.myshopify.com&error=!abc&per_page=25&page=2")
    hidden = page.root.one("form", class_="filters").all("input", type_="hidden")
    assert [(i.get("name"), i.get("value")) for i in hidden] == [
        ("view", "all"),
        ("error", "!abc"),
        ("shop", "a.myshopify.com"),
        ("per_page", "25"),
    ]


def test_hostile_text_is_shown_as_text(open_page: Open, keep: Keep) -> None:
    hostile = "<script>alert(1)</script> \"'> {{ 7*7 }} ${x} {!func} ‮ 😘 \x00 \ud800"
    keep(
        document(hostile, document_id=hostile, error=hostile, site="javascript:alert(1)"),
        document("#data", site="data:text/html,<script>alert(1)</script>"),
        document("#big", error="x" * 1_000_000),
    )
    pages = [
        open_page("/orders/"),
        *(open_page(f"/orders/{o.pk}/") for o in FailedOrder.objects.all()),
    ]
    for page in pages:
        assert page.status == 200
        assert "<script>alert" not in page.html
        for link in page.root.all("a"):
            assert link.get("href").startswith(("/", "https://", "http://", "?", "#"))
    assert len(pages[0].html) < 60_000
    row = pages[0].root.all("tr", data_shop="none")[-1]
    assert row.get("data-order-name") == hostile.replace("\x00", "\ufffd").replace(
        "\ud800", "\ufffd"
    )


def test_the_list_needs_few_queries_however_many_rows(
    browser: Browser, quiet: None, ledger: Raws, django_assert_max_num_queries: Any
) -> None:
    for query in ("", "?per_page=200", "?q=error&shop=a.myshopify.com&period=30d"):
        with django_assert_max_num_queries(20):
            assert browser.get(f"/orders/{query}").status_code == 200


@pytest.mark.parametrize("query", ["state=resolved", "state=open&view=failing", "state=!open"])
def test_tabs_open_what_they_count_also_beside_a_state(
    query: str, open_page: Open, ledger: Raws
) -> None:
    for tab in open_page(f"/orders/?{query}").root.one(id_="views").all("a"):
        assert open_page(tab.get("href")).total == int(tab.text.rsplit(" ", 1)[1])


def test_a_value_with_spaces_around_it_can_be_taken_away(open_page: Open, ledger: Raws) -> None:
    page = open_page("/orders/?shop=%20a.myshopify.com%20")
    (remove,) = page.root.all("a", class_="chip__remove")
    assert "shop" not in remove.get("href")


def test_a_nul_is_in_no_page(open_page: Open, ledger: Raws) -> None:
    for name in ("view", "error", "shop", "q", "order", "sort", "from", "page"):
        page = open_page(f"/orders/?{name}=a%00b")
        assert page.status == 400
        assert "\x00" not in page.html
        assert "[invalid name]" not in page.html


@pytest.mark.parametrize(
    "query", [f"error={'x' * 8_000}", f"q={'x' * 8_000}", "&".join(["shop=a.b"] * 201)]
)
@pytest.mark.parametrize("path", ["/orders/", "/errors/", "/trends/", "/orders/export.csv"])
def test_too_much_is_told_in_one_sentence_and_not_repeated(
    path: str, query: str, open_page: Open, ledger: Raws
) -> None:
    page = open_page(f"{path}?{query}")
    assert page.status == 400
    assert "At most" in page.html
    assert "xxxxx" not in page.html
    assert len(page.html) < 60_000


@pytest.mark.parametrize("path", ["/orders/", "/trends/", "/orders/1/", "/nowhere/", "/login/"])
def test_an_address_longer_than_any_link_is_refused_in_words(
    path: str, browser: Browser, quiet: None
) -> None:
    query = f"?error={'x' * 1_000_000}"
    page = browser.get(path + query)
    assert page.status_code == 414
    assert "This address is too long" in page.content.decode()
    assert "xxxxx" not in page.content.decode()
    fragment = browser.get(path + query, headers={"HX-Request": "true"})
    assert fragment.status_code == 414
    assert "<html" not in fragment.content.decode()
    assert browser.get("/api/orders" + query).json()["error"] == "This address is too long"


@pytest.mark.parametrize("query", [f"error={'x' * 201}", "&".join(["shop=a.b"] * 201)])
def test_too_much_is_told_to_programs_too(query: str, browser: Browser, quiet: None) -> None:
    for path in ("/api/orders", "/api/trends"):
        response = browser.get(f"{path}?{query}")
        assert response.status_code == 400
        assert "At most" in response.content.decode()


def test_two_hundred_values_are_understood(open_page: Open, ledger: Raws) -> None:
    page = open_page("/orders/?" + "&".join(f"shop=s{n}.example" for n in range(200)))
    assert (page.status, page.total) == (200, 0)
    assert len(page.html) < 2_000_000


# -------------------------------------------------------------------- what a view begins with


def test_what_expires_first_stands_first_unless_another_sort_is_written(
    open_page: Open, keep: Keep
) -> None:
    # It failed last what expires last; the other way round only where somebody asks for it.
    keep(*(document(f"#{n}", logged=NOW - timedelta(days=54 + n)) for n in range(1, 6)))
    assert open_page("/orders/?view=expiring").names == ["#5", "#4", "#3", "#2", "#1"]
    assert open_page("/orders/?view=expiring&sort=-failed").names == ["#1", "#2", "#3", "#4", "#5"]
    assert open_page("/orders/?view=open").names == ["#1", "#2", "#3", "#4", "#5"]
    page = open_page("/orders/?view=expiring")
    assert page.root.one("th", aria_sort="ascending").get("data-column") == "expires"
    chosen = page.root.one("select", id_="sort").one("option", selected=...)  # type: ignore[arg-type]
    assert chosen.get("value") == "expires"


def test_a_sort_that_is_another_views_default_stays_written(open_page: Open, ledger: Raws) -> None:
    page = open_page("/orders/?view=expiring&sort=-failed&q=error")
    links = [a.get("href") for a in page.root.one(id_="views").all("a")]
    assert [link for link in links if "sort=-failed" in link] == [
        link for link in links if "view=expiring" in link
    ]
