"""One real Solr for all tests of this folder."""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest

from tests.clock import LAST_NOON
from tests.conftest import missing
from tests.solr import rig
from tests.solr.commands import manage
from tests.solr.recount import connected

_numbers = count()


@pytest.fixture
def moment() -> datetime:
    """Near the clock of Solr, which cannot be set."""
    return LAST_NOON


@pytest.fixture(scope="session")
def solr() -> Iterator[rig.Solr]:
    try:
        rig.build()
    except rig.NotAvailable as reason:
        missing(str(reason))
    with rig.running() as server:
        yield server


@pytest.fixture
def log(solr: rig.Solr) -> Iterator[rig.Gateway]:
    """An empty, typed log behind a gateway."""
    with _gateway(solr, "log") as gateway:
        yield gateway


@pytest.fixture
def gateway_of(solr: rig.Solr) -> Iterator[Callable[[str], rig.Gateway]]:
    """Make an empty log of any configset, behind a gateway."""
    with ExitStack() as stack:
        yield lambda configset: stack.enter_context(_gateway(solr, configset))


@contextmanager
def _gateway(solr: rig.Solr, configset: str) -> Iterator[rig.Gateway]:
    collection = f"{configset}{next(_numbers)}"
    solr.make(collection, configset)
    gateway = rig.Gateway(solr, {"logInsights": collection})
    yield gateway
    gateway.shutdown()
    gateway.server_close()
    solr.drop(collection)


@pytest.fixture
def empty_database(tmp_path: Path) -> Iterator[str]:
    """A database of its own: a file, or one in the PostgreSQL of the second run."""
    server = os.environ.get("TEST_DATABASE_URL")
    if not server:
        yield f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
        return
    name = f"ledger_{uuid.uuid4().hex[:12]}"
    with connected(server) as db:
        db.execute(f"CREATE DATABASE {name}")
    yield f"{server.rpartition('/')[0]}/{name}"
    with connected(server) as db:
        db.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(empty_database: str, log: rig.Gateway) -> str:
    done = manage(log, empty_database, "migrate", "-v0")
    assert done.returncode == 0, done.stderr
    return empty_database
