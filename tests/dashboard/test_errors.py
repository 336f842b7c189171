"""The errors page: a row per signature; each number is the number of rows of a list."""

from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.test import Client as Browser

from reconciler.ledger.models import ErrorSignature, FailedOrder, SignatureAlias, SyncState
from tests.clock import NOW
from tests.dashboard.conftest import Element, Open
from tests.makers import document

Keep = Callable[..., None]


def value(row: Element, column: str) -> int:
    (cell,) = [e for e in row.all(data_column=column) if e.tag in ("td", "th")]
    return int(cell.one(data_value=...).get("data-value"))  # type: ignore[arg-type]


def rows(page: Any) -> list[Element]:
    found: list[Element] = page.root.all("tr", data_slug=...)
    return found


def test_each_signature_is_counted_as_its_orders_are(
    open_page: Open, ledger: list[dict[str, Any]]
) -> None:
    orders: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for raw in ledger:
        orders[raw["site"].split("/")[2], raw.get("shopifyOrderName") or raw["document-id"]].append(
            raw
        )
    expected: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    stores = defaultdict(set)
    for (host, _), mine in orders.items():
        latest = max(mine, key=lambda raw: (raw["timestamp"], raw["document-id"]))["errorMessage"]
        kind = latest.split(" at row")[0]
        expected[kind][0] += 1
        expected[kind][1] += len(mine)
        stores[kind].add(host)
    page = open_page("/errors/")
    assert page.total == len(expected) == len(rows(page))
    found = {tuple(value(row, c) for c in ("orders", "stores", "attempts")) for row in rows(page)}
    assert found == {(n, len(stores[k]), attempts) for k, (n, attempts) in expected.items()}


@pytest.mark.parametrize("query", ["", "?period=7d", "?view=failing", "?shop=a.myshopify.com"])
def test_each_number_that_is_a_link_opens_as_many_rows(
    query: str, open_page: Open, ledger: list[dict[str, Any]]
) -> None:
    page = open_page(f"/errors/{query}")
    links = [
        a
        for row in rows(page)
        for a in row.all("a", data_value=...)  # type: ignore[arg-type]
    ]
    assert links
    for link in links:
        assert open_page(link.get("href")).total == int(link.get("data-value"))
    listed = open_page(f"/orders/{query or '?view=all'}{'' if 'view' in query else '&view=all'}")
    assert sum(value(row, "orders") for row in rows(page)) == listed.total
    for row in rows(page):
        chart = row.one("table", data_chart=f"error-{row.get('data-slug')}")
        cells = chart.all("td", data_value=...)  # type: ignore[arg-type]
        assert sum(int(cell.get("data-value")) for cell in cells) == value(row, "orders")


@pytest.mark.parametrize(
    "sort", ["error", "orders", "open", "missing", "stores", "attempts", "last_seen", "first_seen"]
)
def test_every_sort_has_its_reverse(
    sort: str, open_page: Open, ledger: list[dict[str, Any]]
) -> None:
    up = [row.get("data-slug") for row in rows(open_page(f"/errors/?sort={sort}"))]
    down = [row.get("data-slug") for row in rows(open_page(f"/errors/?sort=-{sort}"))]
    assert up == down[::-1]
    assert len(set(up)) == len(up) > 3


def test_missing_sorts_by_the_orders_that_are_missing(keep: Keep, open_page: Open) -> None:
    errors = {"Few": (1, 1), "Many": (3, 0), "Some": (2, 2)}
    for error, (orders, missing) in errors.items():
        names = [f"#{error}{n}" for n in range(orders)]
        keep(*(document(name, document_id=name, error=error) for name in names))
        lost = FailedOrder.objects.filter(order_name__in=names[:missing])
        lost.update(verdict="missing")
    SyncState.objects.update(revision=F("revision") + 1)
    for sort, expected in (("-missing", "Some Few Many"), ("missing", "Many Few Some")):
        found = rows(open_page(f"/errors/?sort={sort}"))
        titles = [row.one("th", data_column="error").one("a").text for row in found]
        assert titles == expected.split()
        assert [value(row, "missing") for row in found] == [errors[t][1] for t in titles]


def test_new_is_first_seen_in_the_period_and_back_was_silent_for_a_week_before(
    keep: Keep, open_page: Open
) -> None:
    def logged(error: str, *days: float) -> None:
        keep(
            *(
                document(
                    f"#{error}{i}",
                    document_id=f"{error}{i}",
                    error=error,
                    logged=NOW - timedelta(days=day),
                )
                for i, day in enumerate(days)
            )
        )

    logged("Brand new", 1, 2)
    logged("Here again", 1, 20)
    logged("All along", 1, 9)
    page = open_page("/errors/?period=7d")
    labels = {
        row.one("th", data_column="error").one("a").text: row.one("td", data_column="label").text
        for row in rows(page)
    }
    assert labels == {"Brand new": "New", "Here again": "Back", "All along": ""}
    assert "1 new, 1 back" in page.html
    for label, name in (("new", "Brand new"), ("back", "Here again")):
        only = rows(open_page(f"/errors/?period=7d&label={label}"))
        assert [row.one("th", data_column="error").one("a").text for row in only] == [name]
    figure = open_page("/orders/?period=7d&view=all").root.one(data_figure="new")
    assert figure.get("data-value") == "1" == str(open_page(figure.get("href")).total)


@pytest.mark.parametrize("query", ["sort=-failed", "label=odd", "page=0", "from=2026-02-30"])
def test_what_cannot_be_read_is_said(query: str, open_page: Open, ledger: object) -> None:
    page = open_page(f"/errors/?{query}")
    assert page.status == 400
    assert "A filter cannot be read" in page.html
    slug = ErrorSignature.objects.all()[0].slug
    assert open_page(f"/errors/{slug}/?{query}").status == (400 if "from" in query else 200)


@pytest.mark.parametrize("query", ["", "sort=error&period=30d", "sort=-last_seen&q=row"])
def test_previous_and_next_walk_through_the_list_as_it_is_sorted(
    query: str, open_page: Open, ledger: object
) -> None:
    links = [
        row.one("th", data_column="error").one("a").get("href")
        for row in rows(open_page(f"/errors/?{query}"))
    ]
    pages = [open_page(link) for link in links]
    assert len(pages) > 2
    for beside, wanted in (("next", links[1:]), ("prev", links[:-1])):
        found = [page.root.all("a", rel=beside) for page in pages]
        assert [link.get("href") for one in found for link in one] == wanted
    places = [page.root.one(class_="crumbs__place").text.split(",")[0] for page in pages]
    assert places == [f"{number} of {len(links)}" for number in range(1, len(links) + 1)]


def test_an_error_that_is_not_in_the_list_has_no_place_there(
    open_page: Open, ledger: object
) -> None:
    link = rows(open_page("/errors/"))[0].one("th", data_column="error").one("a").get("href")
    for query in ("q=nothing-like-this", "label=odd", "sort=nonsense"):
        page = open_page(f"{link}?{query}")
        assert page.status == 200
        assert not page.root.all(class_="crumbs__place")


def test_the_page_of_an_error_says_its_orders_stores_and_texts(
    open_page: Open, ledger: list[dict[str, Any]]
) -> None:
    row = rows(open_page("/errors/?period=30d"))[0]
    link = row.one("th", data_column="error").one("a").get("href")
    assert "period=30d" in link
    page = open_page(link)
    figures = {e.get("data-figure"): e for e in page.root.all(data_figure=...)}  # type: ignore[arg-type]
    for name in ("orders", "open", "attempts"):
        assert int(figures[name].get("data-value")) == value(row, name)
    for name in ("orders", "open"):
        assert open_page(figures[name].get("href")).total == value(row, name)
    assert int(figures["missing"].get("data-value")) == value(row, "missing") == 0
    stores = page.root.all("a", data_store=...)  # type: ignore[arg-type]
    assert len(stores) == value(row, "stores")
    for store in stores:
        assert open_page(store.get("href")).total == int(store.get("data-count"))
    bars = [a for a in page.root.all("a", tabindex="-1") if "from=" in a.get("href")]
    totals = [int(bar.one("title").text.split(": ")[1].split(" ")[0]) for bar in bars]
    assert sum(totals) == value(row, "orders")
    for bar, total in zip(bars, totals, strict=True):
        if total:
            assert open_page(bar.get("href")).total == total
    assert "at row" in page.root.one("pre", id="sample-1").text


def test_an_old_slug_leads_on_and_an_unknown_one_to_nothing(
    browser: Browser, ledger: object
) -> None:
    signature = ErrorSignature.objects.all()[0]
    SignatureAlias.objects.create(slug="0123456789ab", signature=signature)
    answer = browser.get("/errors/0123456789ab/?period=7d")
    assert (answer.status_code, answer["Location"]) == (301, f"/errors/{signature.slug}/?period=7d")
    assert browser.get("/errors/ffffffffffff/").status_code == 404


def test_a_part_of_the_page_is_answered_to_htmx(open_page: Open, ledger: object) -> None:
    typed = open_page("/errors/?q=row", **{"HX-Request": "true", "HX-Target": "results"})
    assert "<h1" not in typed.html and typed.total
    whole = open_page("/errors/?q=row", **{"HX-Request": "true", "HX-Target": "list"})
    assert "<html" not in whole.html and "<h1" in whole.html
    assert "HX-Request" in typed.response["Vary"]


def test_without_any_order_the_page_says_so(open_page: Open, keep: Keep) -> None:
    keep()
    page = open_page("/errors/")
    assert page.total == 0
    assert "No order has failed to import" in page.html


def test_the_open_link_holds_with_names_given(open_page: Open, keep: Keep) -> None:
    keep(document("#1", error="Odd"), document("#2", error="Odd"))
    FailedOrder.objects.filter(order_name="#2").update(state="resolved")
    (row,) = rows(open_page("/errors/?order=1,2"))
    link = row.one("td", data_column="open").one("a")
    assert link.get("data-value") == "1" == str(open_page(link.get("href")).total)


@pytest.mark.parametrize("query", ["to=0001-01-03", "to=0001-01-01", "from=9999-12-31"])
def test_the_ends_of_the_calendar(query: str, open_page: Open, ledger: object) -> None:
    for path in ("/errors/", f"/errors/{ErrorSignature.objects.all()[0].slug}/", "/trends/"):
        assert open_page(f"{path}?{query}").status == 200


def test_facets_count_what_has_the_label(open_page: Open, keep: Keep) -> None:
    old = {"error": "Old one", "logged": NOW - timedelta(days=40)}
    keep(
        document("#1", document_id="1", **old),
        document("#2", error="Old one", document_id="2"),
        document("#3", error="Newer", document_id="3"),
    )
    page = open_page("/errors/?label=new&period=7d")
    assert page.total == 1
    facet = page.root.one(data_facet="error")
    assert [v.get("data-count") for v in facet.all(data_value=...)] == ["1"]  # type: ignore[arg-type]
    clear = page.root.one("a", class_="clear").get("href")
    assert open_page(clear).total == 2


def test_what_was_not_seen_in_the_period_is_not_back(keep: Keep, open_page: Open) -> None:
    keep(document("#1", logged=NOW - timedelta(days=40)))
    (row,) = rows(open_page("/errors/?date=expires&period=30d"))
    assert row.one("td", data_column="label").text == ""


def test_of_texts_that_are_alike_one_is_shown(keep: Keep, open_page: Open) -> None:
    texts = ["Odd at row 1", "Odd at row 2", "Odd at row 1", "Odd at row 1"]
    keep(*(document(f"#{n}", document_id=f"{n}", error=text) for n, text in enumerate(texts)))
    (row,) = rows(open_page("/errors/"))
    page = open_page(f"/errors/{row.get('data-slug')}/")
    samples = [pre.text for pre in page.root.all("pre") if pre.get("id").startswith("sample-")]
    assert sorted(samples) == ["Odd at row 1", "Odd at row 2"]


@pytest.mark.parametrize("sort", ["first_seen", "-first_seen", "last_seen", "-last_seen"])
def test_a_signature_without_any_date_comes_last(sort: str, keep: Keep, open_page: Open) -> None:
    keep(
        document("#1", document_id="1", error="Undated", timestamp=None),
        document("#2", document_id="2", error="Older", logged=NOW - timedelta(days=3)),
        document("#3", document_id="3", error="Newer"),
    )
    page = open_page(f"/errors/?sort={sort}")
    assert rows(page)[-1].one("th", data_column="error").one("a").text == "Undated"


@pytest.mark.parametrize("path", ["/errors/", "/trends/"])
def test_without_tabs_a_view_is_a_filter_to_be_seen_and_removed(
    path: str, open_page: Open, ledger: object
) -> None:
    page = open_page(f"{path}?view=failing")
    chips = page.root.one("ul", class_="chips")
    assert "View Failing again" in chips.text
    assert open_page(chips.one("a", class_="chip__remove").get("href")).total > page.total
