"""What tests of the ledger share."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.ledger.cores import Cores


@pytest.fixture
def cores(hotwax_of: Callable[..., Any]) -> Callable[..., Cores]:
    """Make a log and an order index of documents."""
    return lambda *documents: Cores(hotwax_of, *documents)
