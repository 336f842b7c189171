"""A HotWax that fails as told, and a syncer that does not wait between its tries."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import stamina

from tests.clock import NOW
from tests.faults.server import FaultyHotWax
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
