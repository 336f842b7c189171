"""Faults of HotWax. Each: nothing lost, nothing doubled, and the word that the user gets."""

import ssl
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client as Browser

from reconciler import service
from reconciler.hotwax.client import Client
from reconciler.hotwax.exceptions import HotWaxError
from reconciler.ledger.models import Attempt, FailedOrder, SyncState
from reconciler.ledger.sync import lease
from reconciler.ledger.sync.source import configured_source
from reconciler.ledger.sync.syncer import Syncer
from reconciler.ledger.sync.watcher import take_step
from tests.clock import NOW
from tests.faults import server as faults
from tests.faults.server import FaultyHotWax, Handler
from tests.faults.steps import equal, look, more, run_sync
from tests.makers import document

ROOT = Path(__file__).resolve().parents[2]


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
