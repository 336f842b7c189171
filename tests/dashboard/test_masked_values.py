"""Values that signatures mask: a filter, a table on an error's page, a CSV, words in a row."""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.test import Client as Browser

from reconciler.ledger.models import ErrorSignature, Event, FailedOrder
from tests.clock import NOW
from tests.dashboard.conftest import Open, Page
from tests.makers import document

pytestmark = pytest.mark.django_db
Keep = Callable[..., None]
#: Order, SKU, shop. Of #6 an earlier error named another SKU.
ORDERS = [
    ("#1", "TEE-1", "a"),
    ("#2", "TEE-1", "b"),
    ("#3", "TEE-1", "a"),
    ("#4", "MUG-2", "a"),
    ("#5", "MUG-2", "b"),
    ("#6", "=CAP+3", "b"),
]


@pytest.fixture
def slug(keep: Keep) -> str:
    raws = [
        document(
            name,
            error=f"Product not found for SKU {sku}",
            host=f"{shop}.myshopify.com",
            shop_id=str(ord(shop)),
            logged=NOW - timedelta(hours=n + 1),
        )
        for n, (name, sku, shop) in enumerate(ORDERS)
    ]
    raws.append(
        document(
            "#6",
            error="Product not found for SKU OLD-9",
            host="b.myshopify.com",
            shop_id=str(ord("b")),
            logged=NOW - timedelta(days=2),
        )
    )
    keep(*raws, document("#7", host="a.myshopify.com", shop_id=str(ord("a"))))
    return ErrorSignature.objects.get(template="Product not found for SKU ‹sku›").slug


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("value=sku:TEE-1", {"#1", "#2", "#3"}),
        ("value=sku:TEE-1&value=sku:MUG-2", {"#1", "#2", "#3", "#4", "#5"}),
        ("value=sku:TEE-1&shop=a.myshopify.com", {"#1", "#3"}),
        ("value=!sku:TEE-1", {"#4", "#5", "#6", "#7"}),
        ("value=sku:TEE-1&value=!sku:TEE-1", set()),
        (f"value={quote('sku:=CAP+3')}", {"#6"}),
        ("value=sku:OLD-9", set()),
        ("value=sku:tee-1", set()),
        ("value=id:TEE-1", set()),
        ("value=nothing:of:this", set()),
        ("value=:", set()),
        ("value=", {"#1", "#2", "#3", "#4", "#5", "#6", "#7"}),
    ],
)
def test_a_value_finds_the_orders_whose_latest_error_has_it(
    slug: str, open_page: Open, query: str, names: set[str]
) -> None:
    assert set(open_page(f"/orders/?view=all&{query}").names) == names


def test_a_value_without_a_kind_is_told_and_a_chip_says_it_in_words(
    slug: str, open_page: Open, manager: Browser
) -> None:
    answer = manager.get("/orders/?value=TEE-1")
    assert answer.status_code == 400
    assert "sku:TEE-2119-RED" in answer.content.decode()
    chip = open_page("/orders/?view=all&value=sku:TEE-1").root.one("li", class_="chip")
    assert "SKU TEE-1" in chip.one("span", class_="chip__value").text


def table(page: Page) -> list[tuple[str, str, int]]:
    rows = page.root.one("table", data_values=...).all("tr", data_value=...)  # type: ignore[arg-type]
    return [(r.get("data-kind"), r.get("data-value"), int(r.get("data-orders"))) for r in rows]


@pytest.mark.parametrize("query", ["", "?shop=a.myshopify.com", "?value=!sku:MUG-2"])
def test_the_table_counts_what_the_latest_errors_name(
    slug: str, open_page: Open, query: str
) -> None:
    counted = Counter(
        sku
        for _, sku, shop in ORDERS
        if (shop == "a" or "shop" not in query) and (sku != "MUG-2" or "value" not in query)
    )
    page = open_page(f"/errors/{slug}/{query}")
    found = table(page)
    assert found == [
        ("sku", sku, n) for sku, n in sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    ]
    for row in page.root.one("table", data_values=...).all("tr", data_value=...):  # type: ignore[arg-type]
        opened = open_page(row.one("a").get("href"))
        assert opened.total == int(row.get("data-orders"))


def test_many_values_are_all_in_the_page_and_all_in_the_file(
    slug: str, keep: Keep, open_page: Open, manager: Browser
) -> None:
    keep(*(document(f"#N{n}", error=f"Product not found for SKU N-{n}") for n in range(30)))
    page = open_page(f"/errors/{slug}/")
    found = table(page)
    assert len(found) == 33
    assert len(page.root.one("pre", id="values-text").text.split()) == 33
    link = next(a for a in page.root.all("a") if a.get("href").endswith("values.csv"))
    answer = manager.get(link.get("href"))
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    written = [(row["value"], int(row["orders"])) for row in rows]
    assert written == [("'=CAP+3" if v == "=CAP+3" else v, n) for _, v, n in found]
    assert re.search(r'-33\.csv"$', answer["Content-Disposition"])
    assert Event.objects.get(kind="export").actor == "priya"
    assert manager.get(f"/errors/{slug}/values.csv?from=x").status_code == 400


def test_a_row_and_an_order_show_the_value(slug: str, open_page: Open) -> None:
    page = open_page("/orders/?view=all&value=sku:MUG-2")
    rows = page.root.all("tr", data_order_id=...)  # type: ignore[arg-type]
    texts = [row.one("td", data_column="error").text for row in rows]
    assert all("MUG-2" in text and "‹" not in text for text in texts)
    order = open_page(rows[0].one("a", class_="order-name").get("href"))
    assert "the SKU MUG-2" in order.root.one("h2", id="h-other").text


def test_the_api_takes_the_same(slug: str, manager: Browser) -> None:
    found = manager.get("/api/orders?view=all&value=sku:TEE-1").json()
    assert {order["order"] for order in found["orders"]} == {"#1", "#2", "#3"}


def test_it_is_told_how_many_orders_wait_and_how_many_are_missing(
    slug: str, manager: Browser, open_page: Open
) -> None:
    orders = FailedOrder.objects.filter(masked_values__text="TEE-1").order_by("order_name")
    assert [order.order_name for order in orders] == ["#1", "#2", "#3"]
    FailedOrder.objects.filter(pk=orders[0].pk).update(state="resolved", verdict="imported")
    FailedOrder.objects.filter(pk=orders[1].pk).update(state="ignored", verdict="missing")
    answer = manager.get(f"/errors/{slug}/values.csv").content.decode("utf-8-sig")
    row = next(row for row in csv.DictReader(io.StringIO(answer)) if row["value"] == "TEE-1")
    assert [row[name] for name in ("orders", "not resolved", "missing")] == ["3", "2", "1"]
    row = open_page(f"/errors/{slug}/").root.one("tr", data_value="TEE-1")
    assert [cell.text for cell in row.all("td", class_="num")] == ["3", "2", "1", "2"]
