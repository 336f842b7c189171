"""Canaries: secrets planted in every setting and every reply, looked for in all that we emit."""

import base64
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client as Browser

from reconciler.ledger.models import FailedOrder, SyncState
from tests.clock import NOW
from tests.faults.server import FaultyHotWax, Handler
from tests.makers import document

pytestmark = pytest.mark.django_db

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJjYW5hcnkiOiJ0b2tlbiJ9.CanaryOfTheSignature0123"
USER, PASSWORD = "canary-user", 'canary-p4"ss\\w0rd/+ö'
ISSUED = "eyJhbGciOiJIUzI1NiJ9.eyJjYW5hcnkiOiJpc3N1ZWQifQ.CanaryOfTheLogin4567890123"
SECRET_KEY = "canary-secret-key-" + "k" * 40
KEY, SITE_PASSWORD = "canarykeyofanorderpage", "canarypasswordofasite"
#: What must be nowhere, and what HotWax's own documents hold, which is in the ledger as it came.
OURS = {"token": TOKEN, "password": PASSWORD, "issued": ISSUED, "secret key": SECRET_KEY}
THEIRS = {"key": KEY, "site password": SITE_PASSWORD}


def forms(secret: str) -> set[str]:
    """A secret as a server may write it back; of a token also a part of it."""
    in_json = json.dumps(secret)[1:-1]
    found = {
        secret,
        in_json,
        json.dumps(in_json)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(secret, safe=""),
        base64.b64encode(secret.encode()).decode(),
    }
    return found | ({secret[:30], secret[-20:]} if secret.startswith("eyJ") else set())


#: How a reply may carry what was sent: status, body, content type.
Echo = Callable[[str], tuple[int, str, str]]
JSON, HTML = "application/json", "text/html"
ECHOES: dict[str, Echo] = {
    "an error in HTTP 200": lambda s: (200, json.dumps({"_ERROR_MESSAGE_": f"no: {s}"}), JSON),
    "a list of errors": lambda s: (200, json.dumps({"_ERROR_MESSAGE_LIST_": ["x", s]}), JSON),
    "Solr's 400": lambda s: (400, json.dumps({"error": {"msg": f"bad {s}", "code": 400}}), JSON),
    "a 401": lambda s: (401, json.dumps({"errorMessage": f"Bearer {s}"}), JSON),
    "a 403 in HTML": lambda s: (403, f"<html><h1>{s}</h1></html>", HTML),
    "a 500 with a trace": lambda s: (500, f"java.lang.X: {s}\n\tat {s}", "text/plain"),
    "a page": lambda s: (200, f"<html><title>{s}</title>{s}</html>", HTML),
    "no JSON": lambda s: (200, f'{{"a": "{s}', JSON),
    "JSON in JSON": lambda s: (200, json.dumps({"error": json.dumps({"msg": s})}), JSON),
    "cut within": lambda s: (200, json.dumps({"_ERROR_MESSAGE_": "x" * 470 + s}), JSON),
    "in a URL": lambda s: (400, json.dumps({"error": {"msg": f"/x?t={quote(s)}"}}), JSON),
    "a date": lambda s: (200, json.dumps({"response": {"docs": s, "numFound": s}}), JSON),
}


@pytest.fixture
def hotwax(settings: Any) -> Iterator[FaultyHotWax]:
    server = FaultyHotWax()
    site = f"https://u:{SITE_PASSWORD}@hc.myshopify.com/1/orders/x?key={KEY}"
    server.documents = [
        document(f"#{n}", document_id=f"d{n}", logged=NOW - timedelta(hours=n + 1), site=site)
        for n in range(3)
    ]
    settings.HOTWAX_URL, settings.SECRET_KEY = server.url, SECRET_KEY
    settings.HOTWAX_TIMEOUT_SECONDS = 2
    yield server
    server.close()


@pytest.fixture
def admin(agent: User, browser: Browser) -> Browser:
    agent.groups.add(Group.objects.get(name="Admin"))
    return browser


def due() -> None:
    SyncState.objects.update(
        asked_at=None, caught_up_at=None, back_off_until=None, heartbeat_at=None, method=""
    )


def emitted(browser: Browser, caplog: pytest.LogCaptureFixture) -> Iterator[tuple[str, str]]:
    """All that we show and write, by where."""
    out = io.StringIO()
    for command in ("check_hotwax", "sync"):
        due()
        with suppress(CommandError):
            call_command(command, stdout=out, stderr=out)
    yield "terminal", out.getvalue()
    browser.post("/status/check/")
    key = FailedOrder.objects.values_list("pk", flat=True).first() or 1
    browser.post(f"/orders/{key}/ask/")
    paths = ("/orders/?view=all", f"/orders/{key}/", "/errors/", "/trends/", "/status/")
    for path in (*paths, "/api/orders?view=all", "/api/trends", "/orders/?order=nobody,%231"):
        due()
        yield path, browser.get(path).content.decode()
    export: Any = browser.get("/orders/export.csv?view=all")
    yield "export", b"".join(export.streaming_content).decode()
    book: Any = browser.get("/orders/export.xlsx?view=all")
    with zipfile.ZipFile(io.BytesIO(b"".join(book.streaming_content))) as parts:
        yield "workbook", "".join(parts.read(name).decode() for name in parts.namelist())
    yield "log", caplog.text + "".join(r.exc_text or "" for r in caplog.records)


def database() -> Iterator[tuple[str, str]]:
    for table in connection.introspection.table_names():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            yield f"table {table}", repr(cursor.fetchall())


def assert_nowhere(places: Iterator[tuple[str, str]], secrets: dict[str, str]) -> None:
    for place, text in places:
        for name, secret in secrets.items():
            for form in forms(secret):
                assert form not in text, f"{name} as {form!r} in {place}"


def test_what_hotwax_holds_is_masked_wherever_it_is_shown(
    hotwax: FaultyHotWax, admin: Browser, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.HOTWAX_TOKEN = TOKEN
    # The link to Shopify is `site` byte for byte: that is what it is for.
    link = re.compile(f'href="https://u:{SITE_PASSWORD}@[^"]*"')
    places = ((place, link.sub("", text)) for place, text in emitted(admin, caplog))
    assert_nowhere(places, {**OURS, **THEIRS})
    assert FailedOrder.objects.count() == 3
    assert_nowhere(database(), OURS)
    assert "•••" in admin.get("/api/orders?view=all").json()["orders"][0]["site"]


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
def test_a_token_that_is_echoed_is_nowhere(
    echo: Echo,
    hotwax: FaultyHotWax,
    admin: Browser,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.HOTWAX_TOKEN = TOKEN

    def fault(handler: Handler, body: dict[str, Any]) -> bool:
        status, text, kind = echo(handler.headers.get("Authorization", "").removeprefix("Bearer "))
        return handler.send(status, text, kind, X_Echo=TOKEN)

    hotwax.fault = fault
    assert_nowhere(emitted(admin, caplog), OURS)
    assert_nowhere(database(), OURS)
    assert SyncState.objects.get().last_error


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
@pytest.mark.parametrize("when", ["at the login", "after it"])
def test_a_password_and_what_it_brings_are_nowhere(
    when: str,
    echo: Echo,
    hotwax: FaultyHotWax,
    admin: Browser,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.HOTWAX_USERNAME, settings.HOTWAX_PASSWORD = USER, PASSWORD

    def fault(handler: Handler, body: dict[str, Any]) -> bool:
        if PASSWORD in map(str, body.values()):  # the login
            if when == "after it":
                return handler.send(200, json.dumps({"token": ISSUED}))
            status, text, kind = echo(PASSWORD)
        else:
            status, text, kind = echo(f"{ISSUED} {PASSWORD}")
        return handler.send(status, text, kind)

    hotwax.fault = fault
    assert_nowhere(emitted(admin, caplog), OURS)
    assert_nowhere(database(), OURS)
    assert SyncState.objects.get().last_error
