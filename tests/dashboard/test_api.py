"""/api/orders: the list's filters as JSON, page by page."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client as Browser

from reconciler.ledger.models import FailedOrder
from tests.clock import NOW
from tests.dashboard.conftest import Open
from tests.makers import document

Keep = Callable[..., None]
Raws = list[dict[str, Any]]


def pages(browser: Browser, url: str) -> list[dict[str, Any]]:
    found = []
    while url:
        found.append(browser.get(url).json())
        url = (found[-1]["next"] or "").removeprefix("http://testserver")
    return found


@pytest.mark.parametrize("sort", ["-failed", "failed", "order", "-order", "shop", "-error", "attempts", "-expires", "state"])  # fmt: skip
def test_pages_hold_every_order_of_the_list_once_in_its_order(
    sort: str, browser: Browser, open_page: Open, ledger: Raws
) -> None:
    query = f"category=!mapping&shop=!b.myshopify.com&sort={sort}"
    got = pages(browser, f"/api/orders?{query}&limit=7")
    listed = open_page(f"/orders/?{query}&per_page=200")
    assert [row["order"] for page in got for row in page["orders"]] == listed.names
    assert {page["total"] for page in got} == {listed.total}
    assert [len(page["orders"]) for page in got[:-1]] == [7] * (len(got) - 1)


def test_an_order_that_fails_again_between_two_pages_moves_no_other(
    browser: Browser, ledger: Raws
) -> None:
    first = browser.get("/api/orders?limit=5").json()
    FailedOrder.objects.filter(pk=first["orders"][-1]["id"]).update(last_failed_at=NOW)
    second = browser.get(first["next"].removeprefix("http://testserver")).json()
    together = [row["id"] for row in first["orders"] + second["orders"]]
    assert together == list(dict.fromkeys(together))
    assert len(pages(browser, "/api/orders?limit=5")) == 13


def test_a_cursor_is_the_value_that_was_on_its_page(browser: Browser, ledger: Raws) -> None:
    whole = [row["id"] for row in browser.get("/api/orders?limit=200").json()["orders"]]

    read: list[bool] = []

    def meanwhile(execute: Any, sql: str, *rest: Any) -> Any:
        if read == [True]:  # the page was read: now the fifth fails again
            read.append(True)
            FailedOrder.objects.filter(pk=whole[4]).update(last_failed_at=NOW)
        if "LIMIT 6" in sql:
            read.append(True)
        return execute(sql, *rest)

    with connection.execute_wrapper(meanwhile):
        first = browser.get("/api/orders?limit=5").json()
    second = browser.get(first["next"].removeprefix("http://testserver")).json()
    assert [row["id"] for row in first["orders"] + second["orders"]] == whole[:10]


def test_a_row_says_what_the_list_says(browser: Browser, keep: Keep) -> None:
    logged = NOW - timedelta(hours=2)
    keep(document("#1", error="Transaction is empty", document_id="d1", logged=logged))
    (row,) = browser.get("/api/orders").json()["orders"]
    assert (row["order"], row["document_id"], row["attempts"]) == ("#1", "d1", 1)
    assert row["error"] == row["signature"]["template"] == "Transaction is empty"
    assert (row["category"], row["retry"], row["state"]) == ("payment", "yes", "open")
    assert row["in_plain_words"] == "The payment was not captured yet"
    assert datetime.fromisoformat(row["failed"]) == logged.replace(microsecond=0)
    assert "s3cret" not in row["site"]
    assert browser.get(row["url"].removeprefix("http://testserver")).status_code == 200


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("period=8d", "period"),
        ("category=no", "category"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("cursor=abc", "cursor"),
        ("cursor=%00", "cursor"),
    ],
)
def test_what_cannot_be_read_is_told_by_name(query: str, name: str, browser: Browser, quiet: None) -> None:  # fmt: skip
    answer = browser.get(f"/api/orders?{query}")
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [name]


def test_a_cursor_belongs_to_its_sort(browser: Browser, ledger: Raws) -> None:
    url = browser.get("/api/orders?limit=5").json()["next"].removeprefix("http://testserver")
    answer = browser.get(f"{url}&sort=order")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["cursor"])


def test_without_a_session_it_says_so_in_json(client: Browser, db: None) -> None:
    answer = client.get("/api/orders")
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/json"
    assert answer.json()["error"]


def test_a_database_that_does_not_answer_is_told_in_json(browser: Browser, quiet: None) -> None:
    def locked(execute: Any, sql: str, *rest: Any) -> Any:
        if "ledger_" in sql:
            raise OperationalError("database is locked")
        return execute(sql, *rest)

    with connection.execute_wrapper(locked):
        answer = browser.get("/api/orders")
    assert (answer.status_code, answer.json()["error"]) == (503, "The database does not answer")
