"""The Excel workbook: read back as XML, and opened by LibreOffice."""

import csv
import io
import re
import shutil
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import include, path
from lxml import etree

from dashboard import urls
from dashboard.views import exports
from dashboard.workbook import MOST_CHARACTERS
from tests.clock import NOW, local
from tests.conftest import missing
from tests.dashboard.conftest import Open, Page, failing_at_the_second_slice
from tests.dashboard.test_exports import formulas, hostile
from tests.makers import document

Keep = Callable[..., None]
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"

#: The product's addresses, with a workbook that takes two orders.
small = path("orders/export.xlsx", exports.export_xlsx, {"most": 2})
urlpatterns = [path("", include(([small, *urls.urlpatterns], "dashboard")))]


def content_of(browser: Browser, query: str = "?view=all") -> bytes:
    response: Any = browser.get(f"/orders/export.xlsx{query}")
    assert response.status_code == 200
    assert response["Content-Type"].endswith("spreadsheetml.sheet")
    return b"".join(response.streaming_content)


def sheet_of(content: bytes, number: int = 1) -> list[dict[str, Any]]:
    """Rows of a sheet: cells by their columns' letters; texts as str, numbers as float."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        root = etree.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))
    assert not list(root.iter(f"{MAIN}f")), "a formula"
    rows = []
    for row in root.iter(f"{MAIN}row"):
        cells: dict[str, Any] = {}
        for cell in row:
            text = "".join(cell.itertext())
            column = re.sub(r"\d", "", cell.get("r"))
            cells[column] = text if cell.get("t") == "inlineStr" else float(text)
        rows.append(cells)
    return rows


def table_of(content: bytes) -> list[dict[str, Any]]:
    headings, *rows = sheet_of(content)
    return [{headings[column]: value for column, value in row.items()} for row in rows]


def moment(serial: float) -> datetime:
    return datetime(1899, 12, 30) + timedelta(seconds=round(serial * 86_400))


def test_it_has_the_orders_of_the_csv_in_the_same_order(browser: Browser, ledger: Any) -> None:
    query = "?q=error&period=60d&shop=a.myshopify.com&sort=order"
    response: Any = browser.get(f"/orders/export.csv{query}")
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    expected = list(csv.DictReader(io.StringIO(text)))
    rows = table_of(content_of(browser, query))
    assert len(rows) == len(expected) > 10
    for row, line in zip(rows, expected, strict=True):
        assert list(row) == [heading for heading, cell in line.items() if cell]
        for heading, cell in row.items():
            if heading.endswith("(UTC)"):
                assert f"{moment(cell):%Y-%m-%d %H:%M:%S}" == line[heading]
            elif heading == "attempts":
                assert cell == float(line[heading])
            else:
                assert cell == line[heading]
    about = [list(row.values()) for row in sheet_of(content_of(browser, query), 2)]
    assert about[0] == ["Failed orders as of (UTC)", f"{NOW:%Y-%m-%d %H:%M:%S}"]
    assert about[1][1].startswith("view Open; text: error; shop: a.myshopify.com")
    assert about[2] == ["Rows", str(len(rows))]


def test_its_name_says_when_and_how_many_and_it_is_noted(
    browser: Browser, open_page: Open, ledger: Any
) -> None:
    total = open_page("/orders/?view=all").total
    response = browser.get("/orders/export.xlsx?view=all&page=2")
    name = f"failed-orders-{local(NOW):%Y-%m-%d-%H%M}-{total}.xlsx"
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'
    assert name in open_page("/activity/").html
    assert browser.head("/orders/export.xlsx").status_code == 200


def test_a_text_stays_a_text_whatever_it_begins_with(browser: Browser, keep: Keep) -> None:
    keep(
        document("=1+1", document_id="a", error='=HYPERLINK("http://evil.example";"x")'),
        document("-2", document_id="b", error="https://x.y/?key=abc 12"),
        document("12", document_id="c", error="\x00\x0b\ufffe tab\there"),
    )
    rows = {row["order"]: row for row in table_of(content_of(browser))}
    assert rows["=1+1"]["error"] == '=HYPERLINK("http://evil.example";"x")'
    assert rows["-2"]["error"] == "https://x.y/?key=••• 12"
    assert rows["12"]["error"].endswith(" tab\there")
    assert "abc" not in str(rows)


def test_what_no_cell_holds_is_cut_and_says_so(browser: Browser, keep: Keep) -> None:
    long = "Product not found " + "x y " * 9000
    keep(document("#1", error=long), document("#2", document_id="b"))
    row = next(r for r in table_of(content_of(browser)) if r["order"] == "#1")
    assert len(row["error"]) == MOST_CHARACTERS
    assert row["error"].startswith("Product not found x y ")
    assert row["error"].endswith("(cut: a cell of Excel holds no more)")


def test_what_fails_midway_is_no_file(browser: Browser, keep: Keep, open_page: Open) -> None:
    keep(*(document(f"#{n}", document_id=f"d{n}") for n in range(1100)))
    with failing_at_the_second_slice():
        assert browser.get("/orders/export.xlsx?view=all").status_code == 503
    assert ".xlsx" not in open_page("/activity/").html


@pytest.mark.parametrize("file", ["export.csv?meta=1&", "export.xlsx?"])
def test_a_key_among_the_filters_is_hidden(file: str, browser: Browser, quiet: None) -> None:
    response: Any = browser.get(f"/orders/{file}q=/orders/1/authenticate?key%3Dabc123")
    content = b"".join(response.streaming_content)
    about = str(sheet_of(content, 2)) if "xlsx" in file else content.decode()
    assert "key=•••" in about
    assert "abc123" not in about


def test_more_orders_than_it_takes_are_refused_and_not_cut(
    browser: Browser, keep: Keep, settings: Any
) -> None:
    settings.ROOT_URLCONF = __name__
    keep(*(document(f"#{n}", document_id=f"d{n}") for n in range(3)))
    page = Page(browser.get("/orders/export.xlsx?view=all&q=timeout"))
    assert page.status == 400
    assert "3 orders match; a workbook takes 2." in page.root.text
    assert page.root.one("a", class_="button").get("href") == "/orders/?view=all&q=timeout"
    assert table_of(content_of(browser, "?order=1,2"))


def test_a_filter_that_cannot_be_read_is_refused(browser: Browser, quiet: None) -> None:
    page = Page(browser.get("/orders/export.xlsx?period=8d"))
    assert page.status == 400
    assert page.root.one(id_="period-error")


def test_the_list_leads_to_it_with_its_filters(open_page: Open, ledger: Any) -> None:
    link = open_page("/orders/?view=all&q=error&page=2").root.one("a", id_="export-excel")
    assert link.get("href") == "/orders/export.xlsx?view=all&q=error"
    assert not open_page("/errors/").root.all("a", id_="export-excel")


@pytest.mark.django_db
def test_libreoffice_opens_it_and_finds_no_formula(
    browser: Browser, keep: Keep, tmp_path: Path
) -> None:
    if not shutil.which("soffice"):
        missing("LibreOffice (Debian's libreoffice-calc-nogui) is needed to open exports")
    cells = hostile()
    keep(*(document(cell, document_id=f"d{n}", error=cell) for n, cell in enumerate(cells)))
    book = tmp_path / "orders.xlsx"
    book.write_bytes(content_of(browser))
    assert formulas(book) == []
    sheet = zipfile.ZipFile(book.with_suffix(".ods")).read("content.xml").decode()
    assert sheet.count("table:table-row") >= 300
