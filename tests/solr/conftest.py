"""One real Solr for all tests of this folder."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest

from tests import maven
from tests.clock import LAST_NOON
from tests.conftest import missing
from tests.databases import SERVER, copy_at_server, copy_of_file
from tests.solr import rig

_numbers = count()


@pytest.fixture
def moment() -> datetime:
    """Near the clock of Solr, which cannot be set."""
    return LAST_NOON


@pytest.fixture(scope="session")
def solr() -> Iterator[rig.Solr]:
    with ExitStack() as stack:
        try:
            server = stack.enter_context(rig.running())
        except maven.NotAvailable as reason:
            missing(str(reason))
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
def database(tmp_path: Path) -> Iterator[str]:
    """A migrated database of its own: a file, or one in the PostgreSQL of the second run."""
    if SERVER is None:
        yield copy_of_file(tmp_path / "ledger.sqlite3")
    else:
        with copy_at_server(f"ledger_{uuid.uuid4().hex[:12]}") as url:
            yield url
