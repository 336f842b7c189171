"""The export: its rows, what is said before them, and how it ends."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client as Browser

from tests.clock import NOW
from tests.dashboard.conftest import Open, Page, failing_at_the_second_slice, rows_of, slug
from tests.makers import document

Raws = list[dict[str, Any]]
Keep = Callable[..., None]


def test_the_export_has_all_matching_rows_and_says_so(
    browser: Browser, open_page: Open, ledger: Raws
) -> None:
    query = f"?q=error&per_page=25&page=2&period=60d&error=!{slug('Error A at row 1')}"
    rows = rows_of(browser, query)
    total = open_page(f"/orders/{query}").total
    assert rows[0][0] == "Failed orders as of (UTC)"
    assert rows[1] == [
        "Filters",
        "view Open; text: error; error not: Error A at row ‹n›; last failed: last 60 days",
    ]
    assert rows[2] == ["Rows", str(total)]
    assert len(rows) - 4 == total > 25
    assert [r[0] for r in rows[4:]] == open_page(f"/orders/{query}&page=&per_page=200").names


def test_an_export_is_a_table_from_its_first_line_on(
    browser: Browser, open_page: Open, ledger: Raws
) -> None:
    total = open_page("/orders/?view=all&shop=a.myshopify.com").total
    export = browser.get("/orders/export.csv?view=all&shop=a.myshopify.com")
    content: Any = b"".join(export.streaming_content)  # type: ignore[attr-defined]
    assert content.startswith(b"\xef\xbb\xbforder,shop,")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert len(rows) == total
    assert {row["as of (UTC)"] for row in rows} == {f"{NOW:%Y-%m-%d %H:%M:%S}"}
    assert list(rows[0])[-1] == "as of (UTC)"
    assert rows[0]["Shopify admin"].startswith("https://admin.shopify.com/store/a/orders?query=")
    assert export["Content-Disposition"].endswith(f'-{total}.csv"')


def test_an_export_that_fails_midway_says_so_in_its_last_line(
    browser: Browser, keep: Keep, caplog: pytest.LogCaptureFixture
) -> None:
    keep(*(document(f"#{n}", document_id=f"d{n}") for n in range(1500)))
    export: Any = browser.get("/orders/export.csv?view=all")
    with failing_at_the_second_slice():
        lines = b"".join(export.streaming_content).decode().splitlines()
    assert len(lines) == 1002
    assert lines[-1].startswith("INCOMPLETE")
    assert "disk I/O error" in caplog.text


def test_category_advice_and_plain_words_stand_beside_the_error(
    browser: Browser, open_page: Open, keep: Keep
) -> None:
    keep(document("#1", error="Product not found for SKU A-1"), document("#2", error="Oh no"))
    known, unknown = (open_page(f"/orders/?order={name}") for name in ("1", "2"))
    assert known.root.one("td", data_column="error").text == (
        "The product is not in the OMS yet Mapping Product not found for SKU A-1"
    )
    assert unknown.root.one("td", data_column="error").text == "Oh no Unexpected"
    rows = {row[0]: row for row in rows_of(browser, "")[4:]}
    assert rows["#1"][5:7] == ["Mapping", "Fix, then retry"]
    assert rows["#2"][5:7] == ["Unexpected", "Check first"]
    assert (rows["#1"][2], rows["#2"][2]) == ("The product is not in the OMS yet", "")


def test_the_export_hides_keys_and_runs_no_formula(browser: Browser, keep: Keep) -> None:
    keep(
        document("=cmd|' /C calc'!A0", error="+1+1 https://x.y/?key=abc"),
        document("-2", error="\t=1"),
        document("@SUM(1)", error="fine"),
    )
    rows = rows_of(browser, "")
    cells = [cell for row in rows[4:] for cell in row]
    assert not [c for c in cells if c.startswith(("=", "+", "-", "@", "\t"))]
    assert "s3cret" not in str(rows)
    assert "abc" not in str(rows)
    assert "key=•••" in str(rows)
    assert "authenticate" not in str(rows)  # a link without its key would lead nowhere
    assert {row[0] for row in rows[4:]} == {"'=cmd|' /C calc'!A0", "'-2", "'@SUM(1)"}


def test_an_export_with_a_filter_that_cannot_be_read_is_refused(
    browser: Browser, quiet: None
) -> None:
    page = Page(browser.get("/orders/export.csv?period=8d"))
    assert page.status == 400
    assert page.root.one(id_="period-error")


def test_the_export_answers_a_head_and_names_a_view_that_narrows(
    browser: Browser, open_page: Open, ledger: Raws
) -> None:
    assert browser.head("/orders/export.csv").status_code == 200
    rows = rows_of(browser, "?view=failing&state=open")
    assert rows[1][1] == "view Failing again; status: Open"
