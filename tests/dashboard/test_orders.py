"""The list: its rows, sorts, pages, facets, tabs and chips."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client as Browser

from reconciler.ledger.models import FailedOrder, State
from reconciler.ledger.work import arrivals, triage
from tests.clock import NOW, days_ago
from tests.dashboard.conftest import Open, latest
from tests.makers import document

Raws = list[dict[str, Any]]
Keep = Callable[..., None]


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
        "select",
        "verdict",
        "state",
        "assignee",
    }
    assert "3 h ago" in cells["failed"].text
    assert cells["attempts"].text.startswith("1")
    assert cells["error"].one("a").text == "Deadlock 5"
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


def test_attempts_tell_over_what_time_and_that_it_fails_again(keep: Keep, open_page: Open) -> None:
    hour = timedelta(hours=1)
    again = [document("#2", document_id=f"b{n}", logged=NOW - n * hour) for n in (1, 26)]
    # A clock or a zone is wrong: it was first attempted after it last failed.
    wrong = [
        document("#4", document_id=f"d{n}", logged=NOW - n * hour, created=NOW) for n in (2, 3)
    ]
    long_ago = [document("#3", document_id=f"c{n}", logged=NOW - n * hour) for n in (25, 50)]
    # HotWax writes when it was first attempted, ten minutes after the creation.
    first = {"created": NOW - 30 * hour, "logged": NOW - 5 * hour}
    keep(document("#1", document_id="a", **first), *again, *long_ago, *wrong)
    cells = {
        row.get("data-order-name"): row.one("td", data_column="attempts").text
        for row in open_page("/orders/?view=all").root.all("tr", data_order_id=...)  # type: ignore[arg-type]
    }
    assert cells == {
        "#1": "1 attempt",
        "#2": "failing again, 2 attempts over 1 d",
        "#3": "2 attempts over 1 d",
        "#4": "failing again, 2 attempts",
    }


def test_what_is_missing_and_nobodys_and_what_expires_within_a_day_is_said(
    keep: Keep, open_page: Open
) -> None:
    keeps = timedelta(days=60)
    ages = {"#1": timedelta(hours=23), "#2": timedelta(hours=25), "#3": timedelta(hours=2)}
    keep(
        *(
            document(name, document_id=name, logged=NOW - keeps + left, created=NOW - keeps)
            for name, left in ages.items()
        )
    )
    orders = {order.order_name: order.pk for order in FailedOrder.objects.all()}
    arrivals.write_answer(list(orders), [], NOW, {})
    triage.assign([orders["#3"]], "ann", "ann", NOW)
    page = open_page("/orders/")
    assert page.root.one(data_figure="missing").text.endswith("3 2 open without owner")
    assert page.root.one(data_figure="expiring").text.endswith("3 2 within 24 h")
    triage.set_state([orders["#1"]], State.RESOLVED, "", "ann", NOW)
    assert open_page("/orders/").root.one(data_figure="expiring").text.endswith("2 1 within 24 h")
    # What somebody resolved waits for no owner.
    triage.set_state(list(orders.values()), State.RESOLVED, "", "ann", NOW)
    page = open_page("/orders/")
    assert page.root.one(data_figure="missing").text.endswith("Missing now 3")


def test_tabs_count_what_they_open(open_page: Open, ledger: Raws) -> None:
    page = open_page("/orders/?q=error")
    tabs = page.root.one(id_="views").all("a")
    assert [t.text.rsplit(" ", 1)[0] for t in tabs] == [
        "Open",
        "Mine",
        "Missing",
        "Expiring soon",
        "Failing again",
        "Needs a person",
        "Resolved",
        "All",
    ]
    for tab in tabs:
        assert open_page(tab.get("href")).total == int(tab.text.rsplit(" ", 1)[1])


def test_chips_say_each_filter_and_take_it_away(open_page: Open, ledger: Raws) -> None:
    url = f"/orders/?q=error&shop=a.myshopify.com&shop=!b.myshopify.com&from={days_ago(20)}&page=1"
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


@pytest.mark.parametrize("path", ["/errors/", "/trends/"])
def test_typing_swaps_the_menu_of_facets_along(path: str, open_page: Open, ledger: Raws) -> None:
    typed = open_page(f"{path}?q=e", **{"HX-Request": "true", "HX-Target": "results"})
    menu = typed.root.one("details", id_="facets")
    assert menu.get("hx-swap-oob") == "true"
    assert menu.all("summary")[0].text == "Filters, 1 on"
    dated = open_page(f"{path}?period=7d").root.one("details", id_="facets")
    assert dated.all("summary")[0].text == "Filters"
    whole = open_page(path)
    assert not whole.root.one("details", id_="facets").get("hx-swap-oob")
    assert not whole.root.one(id_="results").all("details", id_="facets")


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
    assert len(pages[0].html) < 100_000
    row = pages[0].root.all("tr", data_shop="none")[-1]
    assert row.get("data-order-name") == hostile.replace("\x00", "\ufffd").replace(
        "\ud800", "\ufffd"
    )


def test_the_list_needs_few_queries_however_many_rows(
    browser: Browser, quiet: None, ledger: Raws, django_assert_max_num_queries: Any
) -> None:
    for query in ("", "?per_page=200", "?q=error&shop=a.myshopify.com&period=30d"):
        with django_assert_max_num_queries(25):
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
