"""Thirty faults. Each: nothing lost, nothing doubled, and the word that the user gets."""

import os
import signal
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import stamina
from django.db import OperationalError, connection
from django.test import Client as Browser
from django.utils import timezone

from reconciler import service
from reconciler.hotwax.client import Client
from reconciler.hotwax.exceptions import HotWaxError
from reconciler.ledger.models import Attempt, FailedOrder, SyncState, UnreadableDocument
from reconciler.ledger.sync import lease
from reconciler.ledger.sync.schedule import current_state
from reconciler.ledger.sync.source import configured_source
from reconciler.ledger.sync.syncer import Syncer, documents_kept
from reconciler.ledger.sync.watcher import sync_once, take_step
from tests.clock import NOW, of_processes
from tests.faults import server as faults
from tests.faults.server import FaultyHotWax, Handler
from tests.makers import document

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def impatient() -> Iterator[None]:
    """Try twice, without pauses."""
    stamina.set_testing(True, attempts=2)
    yield
    stamina.set_testing(False)


@pytest.fixture
def hotwax(settings: Any) -> Iterator[FaultyHotWax]:
    server = FaultyHotWax()
    settings.HOTWAX_URL = server.url
    settings.HOTWAX_TIMEOUT_SECONDS = 0.6
    server.documents = [
        document(f"#{i}", document_id=f"d{i}", logged=NOW - timedelta(hours=i + 1))
        for i in range(40)
    ]
    yield server
    server.close()


def run_sync() -> None:
    owner = lease.new_owner("test")
    current_state()
    assert lease.take(owner, lease.LEASE)
    try:
        with Client(configured_source().endpoint) as client:
            sync_once(Syncer(client, owner), lambda state: None)
    finally:
        lease.give_back(owner)


def more(hotwax: FaultyHotWax, count: int = 5) -> None:
    """New failures arrive."""
    start = len(hotwax.documents)
    hotwax.documents += [
        document(f"#{i}", document_id=f"d{i}", logged=NOW - timedelta(seconds=i))
        for i in range(start, start + count)
    ]


def look(browser: Browser, word: str = "") -> str:
    """Open the list as a person does, with nobody else asking, until it says the word.

    A page waits 0.8 s, and on a busy machine the answer may come later than that.
    """
    for _ in range(3):
        SyncState.objects.update(
            asked_at=None, back_off_until=None, heartbeat_at=None, caught_up_at=None
        )
        response = browser.get("/orders/?view=all&per_page=200")
        assert response.status_code == 200
        html = " ".join(response.content.decode().split())
        if word in html:
            break
    return html


def equal(hotwax: FaultyHotWax) -> None:
    """Nothing lost, nothing doubled."""
    attempts = list(Attempt.objects.filter(left_log_at=None).values_list("document_key", flat=True))
    assert sorted(attempts) == sorted({d["document-id"] for d in hotwax.documents})
    names = list(FailedOrder.objects.values_list("order_name", flat=True))
    assert sorted(names) == sorted({d["shopifyOrderName"] for d in hotwax.documents})
    state = current_state()
    assert state.kept == documents_kept() == len(attempts)
    assert not UnreadableDocument.objects.exists()


#: Name, what HotWax does, the word that the user gets on every page.
FAULTS: list[tuple[str, faults.Fault, str]] = [
    ("reset", faults.reset, "broke off"),
    ("hung", faults.hang, "did not answer within"),
    ("slow by the byte", faults.drip, "did not answer within"),
    ("401", faults.status(401), "refused the credentials (401)"),
    ("403", faults.status(403), "refused the credentials (403)"),
    ("404", faults.status(404, "<html>", "text/html"), "knows no such address (404)"),
    ("429 with Retry-After", faults.status(429, Retry_After="1"), "answers “not now” (429)"),
    ("500", faults.status(500), "answers “not now” (500)"),
    ("502 HTML", faults.status(502, "<html>Bad Gateway", "text/html"), "answers “not now” (502)"),
    (
        "200 login page",
        faults.status(200, "<html><input type=password>", "text/html"),
        "answers with a login page",
    ),
    (
        "200 _ERROR_MESSAGE_",
        faults.status(200, '{"_ERROR_MESSAGE_": "Solr is away"}'),
        "refused the request: Solr is away",
    ),
    (
        "truncated JSON",
        faults.status(200, '{"response": {"numFound": 3, "do'),
        "cannot be read as JSON",
    ),
    ("response missing", faults.changed(lambda r: r.pop("response")), "holds no list of documents"),
    (
        "docs not a list",
        faults.changed(lambda r: r["response"].update(docs={})),
        "holds no list of documents",
    ),
    (
        "numFound lower than the documents sent",
        faults.changed(lambda r: r["response"].update(numFound=-1)),
        "HotWax says it found -1",
    ),
    (
        "partialResults",
        faults.changed(lambda r: r["responseHeader"].update(partialResults=True)),
        "only a part of the result",
    ),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "fault", "word"), FAULTS, ids=[f[0] for f in FAULTS])
def test_fault(
    name: str, fault: faults.Fault, word: str, hotwax: FaultyHotWax, browser: Browser
) -> None:
    run_sync()
    equal(hotwax)
    before = FailedOrder.objects.count()
    more(hotwax)
    hotwax.fault = fault
    html = look(browser, word)
    assert word in html
    assert f'data-total="{before}"' in html  # the list stays up
    assert 'data-state="down"' in html
    with pytest.raises(HotWaxError):
        run_sync()
    assert FailedOrder.objects.count() == before
    hotwax.fault = None
    hotwax.release.set()
    SyncState.objects.update(back_off_until=None)
    run_sync()
    equal(hotwax)
    assert service.freshness().state == "live"


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "fault", "word"), FAULTS, ids=[f[0] for f in FAULTS])
def test_fault_in_the_middle_of_the_first_load(
    name: str, fault: faults.Fault, word: str, hotwax: FaultyHotWax
) -> None:
    hotwax.documents = [
        document(f"#{i}", document_id=f"d{i}", logged=NOW - timedelta(minutes=i + 1))
        for i in range(1700)
    ]
    hotwax.fault = faults.after(4, fault)
    try:
        run_sync()
    except HotWaxError:
        assert 0 < Attempt.objects.count() < 1700
    hotwax.fault = None
    hotwax.release.set()
    run_sync()
    equal(hotwax)


@pytest.mark.django_db
def test_fault_refused(hotwax: FaultyHotWax, browser: Browser, settings: Any) -> None:
    run_sync()
    port = hotwax.server_address[1]
    hotwax.close()
    assert "127.0.0.1 refuses the connection" in look(browser)
    again = FaultyHotWax(port)
    again.documents = hotwax.documents
    more(again)
    run_sync()
    equal(again)
    again.close()


@pytest.mark.django_db
def test_fault_name_not_found(browser: Browser, settings: Any) -> None:
    settings.HOTWAX_URL = "https://no-such-host.invalid"
    assert "There is no host named no-such-host.invalid" in look(browser)


@pytest.mark.django_db
def test_fault_tls_wrong(browser: Browser, settings: Any, tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            key,
            "-out",
            certificate,
            "-subj",
            "/CN=other.example",
            "-days",
            "1",
        ],
        check=True,
        capture_output=True,
    )
    server = FaultyHotWax()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    settings.HOTWAX_URL = server.url.replace("http:", "https:")
    assert "The TLS certificate of 127.0.0.1 is not accepted" in look(browser)
    server.close()


@pytest.mark.django_db
def test_fault_401_midway(hotwax: FaultyHotWax, browser: Browser) -> None:
    run_sync()
    more(hotwax, 1200)
    hotwax.fault = faults.after(1, faults.status(401))
    with pytest.raises(HotWaxError):
        run_sync()
    assert "refused the credentials (401)" in look(browser)
    assert "HOTWAX_TOKEN" in look(browser)
    hotwax.fault = None
    run_sync()
    equal(hotwax)


@pytest.mark.django_db
def test_fault_token_expired_midway(hotwax: FaultyHotWax, settings: Any) -> None:
    settings.HOTWAX_USERNAME, settings.HOTWAX_PASSWORD = "reader", "secret"
    good: set[str] = set()
    logins = []

    def guarded(handler: Handler, body: dict[str, Any]) -> bool:
        if handler.path == "/api/login":
            good.clear()
            good.add(f"t{len(logins)}")
            logins.append(1)
            return handler.send(200, f'{{"token": "t{len(logins) - 1}"}}')
        if handler.headers.get("Authorization", "").removeprefix("Bearer ") not in good:
            return handler.send(401, "{}")
        if len(hotwax.requests) % 5 == 0:
            good.clear()  # the token ends with this answer
        return False

    hotwax.fault = guarded
    more(hotwax, 1800)
    run_sync()
    equal(hotwax)
    assert len(logins) > 1


@pytest.mark.django_db
def test_fault_comment_before_the_json(hotwax: FaultyHotWax) -> None:
    import json

    hotwax.fault = faults.changed(lambda reply: f"//{json.dumps(reply)}")
    run_sync()
    equal(hotwax)


@pytest.mark.django_db
def test_fault_a_100_mb_reply(hotwax: FaultyHotWax, settings: Any) -> None:
    settings.HOTWAX_TIMEOUT_SECONDS = 30
    run_sync()
    more(hotwax)
    hotwax.fault = faults.huge
    with pytest.raises(HotWaxError, match="larger than 64 MB"):
        run_sync()
    hotwax.fault = None
    run_sync()
    equal(hotwax)


@pytest.mark.django_db
def test_fault_fields_renamed_between_two_syncs(hotwax: FaultyHotWax, browser: Browser) -> None:
    run_sync()
    more(hotwax)
    names = {
        "timestamp": "timestamp_dt",
        "shopifyOrderName": "shopifyOrderName_s",
        "document-id": "id",
    }

    def renamed(handler: Handler, body: dict[str, Any]) -> bool:
        text = str(body)
        if "timestamp:[" in text or "timestamp " in text or "document-id" in text:
            error = '{"responseHeader": {"status": 400}, "error": {"msg": "undefined field", "code": 400}}'
            return handler.send(400, error)
        if "timestamp_dt" in text or "sort" in body["json"]:
            return handler.send(400, '{"error": {"msg": "cannot sort", "code": 400}}')
        import json

        reply = handler.reply(body)
        docs = reply["response"]["docs"]
        reply["response"]["docs"] = [{names.get(k, k): v for k, v in d.items()} for d in docs]
        return handler.send(200, json.dumps(reply))

    hotwax.fault = renamed
    run_sync()
    equal(hotwax)
    assert "compatible mode" in look(browser)


@pytest.mark.django_db
def test_fault_types_changed(hotwax: FaultyHotWax) -> None:
    run_sync()
    more(hotwax)
    for raw in hotwax.documents:
        raw["orderCreatedDate"] = int(raw["orderCreatedDate"])
    run_sync()
    equal(hotwax)
    assert not Attempt.objects.exclude(problems="").exists()


@pytest.mark.django_db
@pytest.mark.parametrize("hours", [-24, 24])
def test_fault_our_clock_a_day_wrong(hours: int, hotwax: FaultyHotWax) -> None:
    """Seen from our clock, HotWax's documents are a day in the future, or all a day old."""
    for raw in hotwax.documents:
        moment = datetime.fromisoformat(raw["timestamp"].replace("Z", "+00:00"))
        raw["timestamp"] = f"{moment + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"
    run_sync()
    equal(hotwax)
    new = NOW + timedelta(hours=hours)
    hotwax.documents.append(document("#new", document_id="new", logged=new))
    owner = lease.new_owner("test")
    lease.take(owner, lease.LEASE)
    with Client(configured_source().endpoint) as client:
        take_step(Syncer(client, owner), "catch_up")
    equal(hotwax)


@pytest.mark.django_db
def test_fault_duplicate_documents(hotwax: FaultyHotWax) -> None:
    held = list(hotwax.documents)
    hotwax.documents += held[:10]
    run_sync()
    hotwax.documents = held
    equal(hotwax)


@pytest.mark.django_db
def test_fault_a_page_that_repeats_for_ever(hotwax: FaultyHotWax, browser: Browser) -> None:
    first = hotwax.documents[:10]
    hotwax.fault = faults.changed(lambda r: r["response"].update(docs=first, numFound=40))
    run_sync()
    assert len(hotwax.requests) < 12
    html = look(browser)
    assert "10 of 40 log documents kept" in html
    assert "did not see every document" in html
    hotwax.fault = None
    SyncState.objects.update(mode_decided_at=None)
    run_sync()
    equal(hotwax)


# ------------------------------------------------------------------------------ the database


def manage(hotwax: FaultyHotWax, database: str, *words: str) -> "subprocess.Popen[str]":
    environment = {
        **os.environ,
        **of_processes(),
        "HOTWAX_URL": hotwax.url,
        "DATABASE_URL": database,
        "ENV_FILE": os.devnull,
        "DJANGO_SETTINGS_MODULE": "reconciler.settings",
    }
    return subprocess.Popen(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def file_of(hotwax: FaultyHotWax, tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    assert manage(hotwax, url, "migrate", "-v0").wait() == 0
    return url


def keys_in(url: str) -> list[str]:
    with sqlite3.connect(url.removeprefix("sqlite:///"), timeout=20) as db:
        return sorted(k for (k,) in db.execute("SELECT document_key FROM ledger_attempt"))


def test_fault_database_locked(hotwax: FaultyHotWax, file_of: str) -> None:
    held = sqlite3.connect(file_of.removeprefix("sqlite:///"), isolation_level=None)
    held.execute("BEGIN IMMEDIATE")
    process = manage(hotwax, file_of, "sync")
    time.sleep(2)
    assert process.poll() is None  # it waits
    held.execute("COMMIT")
    assert process.wait(timeout=30) == 0
    assert keys_in(file_of) == sorted(d["document-id"] for d in hotwax.documents)


@pytest.mark.django_db(transaction=True)
def test_fault_a_lock_is_held_while_pages_answer(hotwax: FaultyHotWax, browser: Browser) -> None:
    run_sync()
    if connection.vendor == "sqlite":
        return  # in memory a lock keeps readers out, too; test_database.py holds one on a file
    SyncState.objects.update(asked_at=None, caught_up_at=None, heartbeat_at=None)
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("UPDATE ledger_syncstate SET failures = failures")
        page = browser.get("/orders/")
        cursor.execute("ROLLBACK")
    other.close()
    assert page.status_code == 200
    assert "nothing new can be kept: another process holds" in page.content.decode()
    assert "nothing new can be kept" not in look(browser)
    equal(hotwax)


@pytest.mark.django_db(transaction=True)
def test_fault_disk_full(hotwax: FaultyHotWax, browser: Browser) -> None:
    run_sync()
    if connection.vendor != "sqlite":
        return  # PostgreSQL's disk is not ours to fill; the run over SQLite shows the rest
    more(hotwax, 1500)
    with connection.cursor() as cursor:
        pages = cursor.execute("PRAGMA page_count").fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count = {pages + 4}")
    with pytest.raises(OperationalError, match="full"):
        run_sync()
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA max_page_count = 1000000")
    SyncState.objects.update(lease_owner="", lease_until=None)
    run_sync()
    equal(hotwax)


@pytest.mark.django_db(transaction=True)
def test_fault_database_gone_and_back(hotwax: FaultyHotWax, browser: Browser) -> None:
    run_sync()
    SyncState.objects.update(heartbeat_at=timezone.now())
    where = dict(connection.settings_dict)
    lost = (
        {"NAME": "/nonexistent/ledger.sqlite3"} if connection.vendor == "sqlite" else {"PORT": "9"}
    )
    if connection.vendor == "sqlite":
        pytest.importorskip("sqlite3")
        kept = connection.connection  # the database in memory lives as long as it is open
        connection.connection = None
    else:
        connection.close()
    connection.settings_dict.update(lost)
    browser.raise_request_exception = False
    try:
        response = browser.get("/orders/")
        assert response.status_code == 503
        assert "The database does not answer" in response.content.decode()
        assert browser.get("/readyz").status_code == 503
        assert browser.get("/livez").status_code == 200
    finally:
        connection.settings_dict.update(where)
        if connection.vendor == "sqlite":
            connection.connection = kept
    more(hotwax)
    run_sync()
    equal(hotwax)
    assert browser.get("/readyz").status_code == 200


def test_fault_kill_9_at_each_step_of_a_sync(hotwax: FaultyHotWax, file_of: str) -> None:
    hotwax.documents = [
        document(f"#{i}", document_id=f"d{i}", logged=NOW - timedelta(minutes=i + 1))
        for i in range(1300)
    ]
    killed_at = []
    for number in range(1, 40):
        process = manage(hotwax, file_of, "sync")
        hotwax.requests.clear()

        def kill(
            handler: Handler, body: dict[str, Any], number: int = number, victim: Any = process
        ) -> bool:
            if len(hotwax.requests) == number:
                # On every other turn a little later: after the answer, while it is written.
                delay = 0.01 if number % 2 else 0
                threading.Timer(delay, victim.send_signal, [signal.SIGKILL]).start()
            return False

        hotwax.fault = kill
        code = process.wait(timeout=60)
        with sqlite3.connect(file_of.removeprefix("sqlite:///"), timeout=20) as db:
            db.execute("UPDATE ledger_syncstate SET lease_until = '2020-01-01 00:00:00'")
        if code == 0:
            break
        killed_at.append(number)
    assert len(killed_at) >= 4
    hotwax.fault = None
    assert manage(hotwax, file_of, "sync").wait(timeout=60) == 0
    keys = keys_in(file_of)
    assert keys == sorted(d["document-id"] for d in hotwax.documents)
