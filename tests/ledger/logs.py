"""Logs for the tests of the syncer, and what of them is kept."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from reconciler.ledger.models import Attempt
from tests.clock import NOW
from tests.conftest import HotWax
from tests.makers import document

pytestmark = pytest.mark.django_db

Make = Callable[..., HotWax]


def many(count: int, **others: Any) -> list[dict[str, Any]]:
    """One document every 90 seconds, the latest five minutes ago."""
    return [
        document(
            f"#{i}",
            document_id=f"d{i:05d}",
            logged=NOW - timedelta(seconds=300 + 90 * (count - i)),
            **others,
        )
        for i in range(count)
    ]


def kept_ids() -> set[str]:
    return set(Attempt.objects.values_list("document_key", flat=True))


def loaded(hotwax_of: Make, documents: list[Any]) -> HotWax:
    hotwax = hotwax_of(documents)
    hotwax.sync()
    return hotwax
