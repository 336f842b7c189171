"""Errors and Trends as CSV: what the page shows, row by row."""

import csv
import io
from typing import Any

import pytest
from django.test import Client as Browser

from reconciler.ledger.models import Event
from tests.clock import NOW
from tests.dashboard.conftest import Open
from tests.makers import document

Raws = list[dict[str, Any]]


def rows(browser: Browser, path: str) -> list[dict[str, str]]:
    answer = browser.get(path)
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    text = answer.content.decode("utf-8-sig")
    found = list(csv.DictReader(io.StringIO(text)))
    assert f"-{len(found)}.csv" in answer["Content-Disposition"]
    return found


@pytest.mark.parametrize(
    "query", ["", "?sort=-error&per_page=25", "?period=7d&shop=a.myshopify.com"]
)
def test_errors_are_sent_as_the_page_shows_them(
    browser: Browser, open_page: Open, ledger: Raws, query: str
) -> None:
    page, found = open_page(f"/errors/{query}"), rows(browser, f"/errors/export.csv{query}")
    shown = page.root.all("tr", data_slug=...)  # type: ignore[arg-type]
    assert [row["in Reconciler"].split("/")[-2] for row in found] == [
        row.get("data-slug") for row in shown
    ]
    for row, line in zip(shown, found, strict=True):
        for name in ("orders", "open", "missing", "attempts"):
            cell = row.one("td", data_column=name).one(data_value=...)  # type: ignore[arg-type]
            assert line[name] == cell.get("data-value")
    assert {row["as of (UTC)"] for row in found} != {""}
    (event,) = Event.objects.filter(kind="export")
    assert "errors" in str(vars(event))


@pytest.mark.parametrize("query", ["", "?by=shop&period=7d", "?count=attempts"])
def test_trends_are_sent_as_the_page_shows_them(
    browser: Browser, open_page: Open, ledger: Raws, query: str
) -> None:
    page, found = open_page(f"/trends/{query}"), rows(browser, f"/trends/export.csv{query}")
    (failed,) = [row for row in found if (row["table"], row["row"]) == ("in short", "failed")]
    assert int(failed["now"]) == page.total
    days = [row for row in found if row["table"] == "failed per day" and row["series"] == "all"]
    drawn = page.root.one("table", data_chart="failed-per-day").one("tbody").all("tr")
    totals = [row.all("td", data_value=...)[-1].get("data-value") for row in drawn]  # type: ignore[arg-type]
    assert [row["now"] for row in reversed(days)] == totals
    assert sum(int(row["now"]) for row in found if row["table"] == "by category") == page.total
    hours = [int(row["now"]) for row in found if row["table"] == "weekday and hour"]
    assert len(hours) == 7 * 24
    assert sum(hours) == page.total


@pytest.mark.parametrize("path", ["/errors/export.csv", "/trends/export.csv"])
def test_what_a_spreadsheet_would_run_is_made_text(browser: Browser, keep: Any, path: str) -> None:
    keep(document("#1", error='=HYPERLINK("http://x")', host="a.myshopify.com"))
    text = browser.get(f"{path}?by=error&period=7d").content.decode()
    assert "'=HYPERLINK" in text
    assert ',"=HYPERLINK' not in text and "\n=HYPERLINK" not in text


@pytest.mark.parametrize("path", ["/errors/export.csv", "/trends/export.csv"])
def test_a_filter_that_cannot_be_read_is_told_by_the_page(
    browser: Browser, ledger: Raws, path: str
) -> None:
    answer = browser.get(f"{path}?from=2026-02-31")
    assert answer.status_code == 400
    assert b"<html" in answer.content
    assert not Event.objects.filter(kind="export").exists()


@pytest.mark.parametrize("path", ["/orders/", "/errors/", "/trends/"])
def test_chosen_days_stand_on_their_button_and_no_period_beside_them(
    open_page: Open, ledger: Raws, path: str
) -> None:
    page = open_page(f"{path}?from={NOW:%Y-%m}-01&to={NOW:%Y-%m}-07&period=7d")
    button = page.root.one("details", id="days").one("summary")
    assert button.text == f"1 {NOW:%b %Y} – 7 {NOW:%b %Y}"
    chosen = page.root.one("select", id="period").one("option", selected=...)  # type: ignore[arg-type]
    assert chosen.text == "From – to"
    page = open_page(f"{path}?period=7d")
    assert page.root.one("details", id="days").one("summary").text == "From – to"
    assert page.root.one("select", id="period").one("option", selected=...).text == "7 days"  # type: ignore[arg-type]
