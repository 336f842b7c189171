"""What tests share: real servers on loopback, documents, and a guard against anything beyond."""

import gc
import ipaddress
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client as Browser
from django.utils import timezone
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from reconciler.demo.data import History
from reconciler.demo.server import Demo
from reconciler.hotwax.client import Client
from reconciler.ledger.models import SyncState
from reconciler.ledger.sync import lease
from reconciler.ledger.sync.schedule import current_state, due
from reconciler.ledger.sync.source import Source, configured_source
from reconciler.ledger.sync.syncer import Syncer
from reconciler.ledger.sync.watcher import refresh_for_page, sync_once, take_step
from tests import databases, shared
from tests.clock import NOW, stopped_at
from tests.makers import solr_reply

# A slow machine is no fault of what is tested.
settings.register_profile("patient", settings(), deadline=None)
settings.load_profile("patient")

# Python looks for cycles after 700 new objects; a page makes thousands that live on.
gc.set_threshold(200_000, 20, 20)

BACKEND = "dashboard.accounts.AccountBackend"
#: Set by .ci/run: an optional part that is missing is a failure, not a skip.
REQUIRED = os.environ.get("TESTS_REQUIRE_ALL") == "1"


class ByServer(LoadScopeScheduling):  # type: ignore[misc]
    """Gives tests to workers; what shares a server goes to one: one Solr, one browser."""

    def _split_scope(self, nodeid: str) -> str:
        folder = nodeid.partition("::")[0].rpartition("/")[0]
        return folder if folder in ("tests/solr", "tests/browser", "tests/html") else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByServer:
    """Replace `--dist`'s scheduler."""
    return ByServer(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread tests that wait for others among those that compute, so that no core is idle.

    The longest test of all is the first, so that nothing has to wait for it at the end.
    """
    waiting = ("tests/faults/", "tests/test_commands.py")
    groups = [
        [i for i in items if i.nodeid.startswith(waiting) is waits] for waits in (True, False)
    ]
    place = {item: number / len(group) for group in groups for number, item in enumerate(group)}
    items.sort(key=lambda item: ("test_fuzz.py" not in item.nodeid, place[item]))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove what the workers shared, once they are done."""
    if not hasattr(session.config, "workerinput"):
        shutil.rmtree(shared.FOLDER, ignore_errors=True)


@pytest.fixture(autouse=True, scope="session")
def only_loopback() -> Iterator[None]:
    """A test that opens a connection beyond this machine fails."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            try:
                inside = ipaddress.ip_address(address[0]).is_loopback
            except ValueError:
                inside = address[0] == "localhost"
            if not inside:
                raise AssertionError(f"a test opened a connection to {address}")
        return real(self, address)

    socket.socket.connect = connect  # type: ignore[method-assign, assignment]
    yield
    socket.socket.connect = real  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[None]:
    """Give every worker a copy of a migrated database, in place of migrating one of its own."""
    name = f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    if databases.SERVER is None:
        connection.settings_dict["NAME"] = f"file:{name}?mode=memory&cache=shared"
        with django_db_blocker.unblock():
            connection.ensure_connection()
            databases.copy_into(connection.connection)
        yield
    else:
        with databases.copy_at_server(name):
            connection.settings_dict["NAME"] = name
            yield


@pytest.fixture
def moment() -> datetime:
    """When the test begins."""
    return NOW


@pytest.fixture(autouse=True)
def clock(moment: datetime) -> Iterator[None]:
    """Let every test begin at the same moment."""
    with stopped_at(moment):
        yield


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """A test's ledger is rolled back, and with it what tells kept figures apart."""
    cache.clear()


def missing(reason: str) -> None:
    """Skip for want of an optional part; where all are required, fail."""
    if REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def demo(settings: Any) -> Iterator[Demo]:
    """The miniature, as the HotWax that the settings name."""
    with Serving(Demo(History(NOW, orders=400))) as server:
        settings.HOTWAX_URL = server.url
        yield server


class Serving:
    """Run an HTTP server while a block lasts."""

    def __init__(self, server: Any) -> None:
        self.server = server

    def __enter__(self) -> Any:
        shared.serve(self.server)
        return self.server

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


Answer = Callable[[dict[str, Any]], httpx.Response]


class HotWax:
    """A HotWax behind httpx.MockTransport: ``answer`` gets the request's JSON."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[dict[str, Any]] = []
        #: What of the source is not as the settings say: rules, or how documents are read.
        self.changes: dict[str, Any] = {}

    @property
    def source(self) -> Source:
        return replace(configured_source(), **self.changes)

    def handle(self, request: httpx.Request) -> httpx.Response:
        import json

        body = json.loads(request.content) if request.content else {}
        self.requests.append(body)
        return self.answer(body)

    def client(self, *_: Any) -> Client:
        return Client(configured_source().endpoint, httpx.MockTransport(self.handle))

    def sync(self) -> SyncState:
        """Do what `manage.py sync` does."""
        with self._holding() as owner, self.client() as client:
            return sync_once(Syncer(client, owner, source=self.source), lambda state: None)

    def step(self, step: str) -> SyncState:
        """Take one step."""
        with self._holding() as owner, self.client() as client:
            take_step(Syncer(client, owner, source=self.source), SyncState.Step(step))
        return current_state()

    def due(self) -> str | None:
        """The step that is due now."""
        return due(current_state(), timezone.now(), self.source)

    def page(self) -> None:
        """Do what a page does before it answers."""
        refresh_for_page(current_state(), timezone.now(), self.client)

    @contextmanager
    def _holding(self) -> Iterator[str]:
        current_state()
        owner = lease.new_owner("test")
        assert lease.take(owner, lease.LEASE)
        try:
            yield owner
        finally:
            lease.give_back(owner)


@pytest.fixture
def hotwax_of() -> Callable[..., HotWax]:
    """Make a HotWax out of documents (a miniature Solr) or of an answer."""
    return lambda documents=None, answer=None: HotWax(answer or solr_reply(documents))


@pytest.fixture
def agent(db: None) -> User:
    return User.objects.get_or_create(username="agent")[0]


@pytest.fixture
def browser(agent: User) -> Browser:
    """A signed-in client."""
    client = Browser()
    client.force_login(agent, backend=BACKEND)
    return client


@pytest.fixture
def quiet(db: None) -> None:
    """A watcher seems alive, so that pages ask nothing."""
    current_state()
    SyncState.objects.update(
        heartbeat_at=timezone.now(),
        loaded_at=timezone.now(),
        answered_at=timezone.now(),
        instance=configured_source().instance,
        mode="range",
        step="done",
        found=0,
    )
