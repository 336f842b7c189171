"""The trust line in each state, and pages that stay up whatever HotWax does."""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import DataError, IntegrityError, OperationalError, ProgrammingError, connection
from django.test import Client as Browser
from django.utils import timezone

from reconciler import service
from reconciler.demo.server import Demo
from reconciler.ledger.models import ErrorSignature, FailedOrder, SyncState
from reconciler.ledger.sync.schedule import current_state
from reconciler.ledger.sync.syncer import documents_kept
from tests.clock import NOW
from tests.conftest import HotWax, Serving
from tests.dashboard.conftest import Element, Open, Page
from tests.makers import SAMPLE, document, envelope, static

pytestmark = pytest.mark.django_db
Keep = Callable[..., None]


def trust(page: Page) -> Element:
    return page.root.one("div", data_freshness=...)  # type: ignore[arg-type]


def test_with_the_demo_the_first_page_has_its_orders_and_says_so(
    browser: Browser, demo: Demo
) -> None:
    held = demo.history.documents(datetime.now(UTC))
    line = trust(Page(browser.get("/orders/")))
    assert line.get("data-state") == "loading"
    assert line.get("data-kept") == "500"
    assert int(line.get("data-found")) >= len(held) - 5
    for _ in range(12):  # pages alone load the rest, and find out how many there are
        SyncState.objects.update(
            asked_at=None, caught_up_at=datetime.now(UTC) - timedelta(seconds=20)
        )
        page = Page(browser.get("/orders/"))
    line = trust(page)
    assert line.get("data-state") == "live"
    assert line.get("data-mode") == "range"
    assert line.get("data-unreadable") == "0"
    assert int(line.get("data-kept")) == documents_kept()
    assert abs(int(line.get("data-found")) - documents_kept()) <= 2  # it is alive
    assert documents_kept() >= len(held)
    assert "Live as of" in line.text


def test_the_documented_sample_as_a_static_answer(
    browser: Browser, hotwax_of: Any, settings: Any
) -> None:
    hotwax: HotWax = hotwax_of(answer=static(envelope([SAMPLE])))
    hotwax.sync()
    SyncState.objects.update(heartbeat_at=timezone.now())
    page = Page(browser.get("/orders/?view=all"))
    line = trust(page)
    assert page.names == ["#10101011010"]
    assert [line.get(f"data-{n}") for n in ("state", "kept", "found", "mode")] == [
        "live",
        "1",
        "1",
        "compatible",
    ]
    assert "compatible mode: the server answers a range with documents outside" in line.text


def test_before_any_answer_found_is_empty_and_the_page_says_why(browser: Browser) -> None:
    page = Page(browser.get("/orders/"))  # nothing listens at the address of the tests
    line = trust(page)
    assert [line.get(f"data-{n}") for n in ("state", "kept", "found")] == ["down", "0", ""]
    assert "refuses the connection" in line.text
    assert "HotWax has not answered yet" in page.html
    assert not page.root.all("table", class_="orders")


def test_an_empty_log_is_good_news(browser: Browser, hotwax_of: Any) -> None:
    hotwax_of([]).sync()
    SyncState.objects.update(heartbeat_at=timezone.now())
    page = Page(browser.get("/orders/"))
    assert trust(page).get("data-state") == "live"
    assert "No order has failed to import" in page.html
    assert page.total == 0


def test_during_the_first_load_progress_is_shown(open_page: Open) -> None:
    SyncState.objects.update(loaded_at=None, kept=450, found=1284)
    line = trust(open_page("/orders/"))
    assert line.get("data-state") == "loading"
    bar = line.one("progress")
    assert (bar.get("value"), bar.get("max")) == ("450", "1284")
    assert "450 of 1,284 log documents kept" in line.text


def test_what_the_log_dropped_since_is_told_apart(open_page: Open) -> None:
    SyncState.objects.update(kept=1300, found=1284)
    line = trust(open_page("/orders/"))
    assert "1,300 log documents kept; the log still holds 1,284" in line.text


def test_a_hotwax_that_went_down_is_said_with_since_when(open_page: Open, ledger: Any) -> None:
    SyncState.objects.update(
        failing_since=timezone.now() - timedelta(minutes=44),
        last_error="x.hotwax.io did not answer within 20 s.",
        last_remedy="Check HOTWAX_URL.",
        answered_at=timezone.now() - timedelta(minutes=45),
    )
    page = open_page("/orders/")
    line = trust(page)
    assert line.get("data-state") == "down"
    assert "HotWax does not answer since" in line.text
    assert "44 min" in line.text
    assert "did not answer within 20 s. Check HOTWAX_URL." in line.text
    assert "showing what was known at" in line.text
    assert page.total == 62


def test_unreadable_documents_are_counted(browser: Browser, hotwax_of: Any) -> None:
    hotwax_of(answer=static(envelope(["text", None, document("#1")]))).sync()
    SyncState.objects.update(heartbeat_at=timezone.now())
    line = trust(Page(browser.get("/orders/")))
    assert (line.get("data-unreadable"), line.get("data-kept")) == ("2", "3")
    assert "2 unreadable" in line.text


@pytest.fixture
def hung(settings: Any) -> Iterator[socket.socket]:
    """A HotWax that accepts and never answers."""
    listener = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                held.append(listener.accept()[0])
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    settings.HOTWAX_URL = f"http://127.0.0.1:{listener.getsockname()[1]}"
    yield listener
    listener.close()


def test_with_a_hung_hotwax_the_list_answers_at_once_and_says_since_when(
    browser: Browser, hung: Any
) -> None:
    began = time.monotonic()
    page = Page(browser.get("/orders/"))
    assert time.monotonic() - began < 2  # 0.8 s of it were spent waiting
    assert trust(page).get("data-state") == "down"
    assert "did not answer within 0.8 s" in trust(page).text
    began = time.monotonic()
    browser.get("/orders/")
    assert time.monotonic() - began < 0.7  # during back-off nobody waits


def test_another_hotwax_is_an_error_with_what_to_do(
    browser: Browser, demo: Demo, settings: Any
) -> None:
    browser.get("/orders/")
    settings.HOTWAX_CORE = "other"
    response = browser.get("/orders/")
    assert response.status_code == 503
    assert "belongs to another HotWax" in response.content.decode()
    assert "DATABASE_URL" in response.content.decode()
    fragment = browser.get("/orders/", headers={"HX-Request": "true"})
    assert fragment.status_code == 503
    assert "<html" not in fragment.content.decode()
    assert browser.get("/readyz").status_code == 503


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("database is locked", "The database does not answer"),
        ("database or disk is full", "The disk is full"),
    ],
)
def test_a_database_that_does_not_answer_is_told(
    error: str, words: str, browser: Browser, quiet: None
) -> None:
    def broken(execute: Any, sql: str, *rest: Any) -> Any:
        if "ledger_failedorder" in sql:
            raise OperationalError(error)
        return execute(sql, *rest)

    with connection.execute_wrapper(broken):
        response = browser.get("/orders/")
    assert response.status_code == 503
    assert words in response.content.decode()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("database is locked", "another process holds the database’s lock"),
        ("canceling statement due to lock timeout", "another process holds the database’s lock"),
        ("database or disk is full", "the disk is full"),
        ('could not extend file "base/1/2": No space left on device', "the disk is full"),
        ("attempt to write a readonly database", "the database may only be read"),
    ],
)
def test_where_nothing_can_be_written_pages_answer_and_say_so(
    error: str, reason: str, browser: Browser, demo: Demo
) -> None:
    browser.get("/orders/")
    kept = current_state().kept
    SyncState.objects.update(asked_at=None)
    key = FailedOrder.objects.values_list("pk", flat=True)[0]

    def read_only(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith(("INSERT", "UPDATE", "DELETE")):
            raise OperationalError(error)
        return execute(sql, *rest)

    with connection.execute_wrapper(read_only):
        for path in ("/orders/", f"/orders/{key}/", "/errors/", "/trends/", "/status/"):
            response = browser.get(path)
            assert response.status_code == 200, path
            line = trust(Page(response))
            assert f"nothing new can be kept: {reason}" in line.text
            assert line.get("data-kept") == str(kept)
        assert "could not be asked" in browser.get("/orders/?order=nobody").content.decode()
        asked = browser.post(f"/orders/{key}/ask/", follow=True)
        assert f"Nothing new can be kept: {reason}" in asked.content.decode()
        assert browser.get("/readyz").status_code == 200
    assert "nothing new can be kept" not in trust(Page(browser.get("/orders/"))).text


@pytest.mark.parametrize("error", [IntegrityError, DataError, ProgrammingError])
def test_an_error_of_ours_is_not_told_as_the_databases(
    error: type[Exception], browser: Browser, quiet: None, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(execute: Any, sql: str, *rest: Any) -> Any:
        if "ledger_failedorder" in sql:
            raise error("a fault of ours")
        return execute(sql, *rest)

    browser.raise_request_exception = False
    with connection.execute_wrapper(broken):
        response = browser.get("/orders/")
    assert response.status_code == 500
    assert "The database does not answer" not in response.content.decode()
    assert "a fault of ours" in caplog.text
    assert "Traceback" in caplog.text


def test_with_a_token_missing_the_page_says_what_to_do(browser: Browser, settings: Any) -> None:
    from reconciler.demo.data import History

    with Serving(Demo(History(NOW, orders=10), token="t0ken")) as server:
        settings.HOTWAX_URL = server.url
        page = Page(browser.get("/orders/"))
        assert "refused the credentials (401)" in trust(page).text
        assert "HOTWAX_TOKEN" in trust(page).text
        settings.HOTWAX_TOKEN = "t0ken"
        SyncState.objects.update(asked_at=None, back_off_until=None)
        assert trust(Page(browser.get("/orders/"))).get("data-state") != "down"


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (psycopg.errors.DiskFull, "the disk is full"),
        (psycopg.errors.LockNotAvailable, "another process holds the database’s lock"),
        (psycopg.errors.AdminShutdown, "the database does not answer"),
    ],
)
def test_an_error_of_postgresql_is_told_in_whatever_language_it_writes(
    cause: type[psycopg.Error], reason: str
) -> None:
    error = OperationalError("Kein Platz")
    error.__cause__ = cause("Kein Platz")
    assert service.reason_of(error) == reason


def test_the_trust_line_alone_is_what_the_page_shows(browser: Browser, quiet: None) -> None:
    page, line = (browser.get(url).content.decode() for url in ("/status/", "/trust/"))
    assert line.strip().startswith("<div")
    words = [" ".join(re.sub(r"<[^>]+>", " ", html).split()) for html in (page, line)]
    assert words[1]
    assert words[1] in words[0]


@pytest.mark.parametrize("path", ["/orders/0/", "/errors/0123456789ab/", "/nowhere/", "/packs/0/"])
def test_a_page_that_does_not_exist_has_the_trust_line_too(
    browser: Browser, quiet: None, path: str
) -> None:
    answer = browser.get(path)
    assert answer.status_code == 404
    assert trust(Page(answer)).get("data-state")
    nobody = Browser().get(path, follow=True)
    assert "data-freshness" not in nobody.content.decode()


def test_so_has_the_preview_of_a_runbook(manager: Browser, keep: Keep) -> None:
    keep(document("#1"))
    slug = ErrorSignature.objects.get().slug
    page = Page(
        manager.post(f"/errors/{slug}/runbook/", {"text": "*Do*", "preview": "1", "base": 0})
    )
    assert trust(page).get("data-state")
    assert page.root.one("section", id="preview").one("em").text == "Do"
    assert "Shopify or the network was too slow" in page.root.one("h1").text
