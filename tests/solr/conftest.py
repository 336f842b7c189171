"""One real Solr for all tests of this folder."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from itertools import count

import pytest

from tests.clock import LAST_NOON
from tests.conftest import missing
from tests.solr import rig

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
