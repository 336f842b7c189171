"""Is a page what was asked for? Each rule a row."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.hotwax.documents import FailureDocument, Reading, read_document
from reconciler.hotwax.ranges import fault_of_page, newest, whole_second
from tests.makers import document

T = datetime(2026, 11, 24, 10, 0, 0, tzinfo=UTC)


def page(*moments: float | None) -> list[FailureDocument]:
    """Documents logged at so many seconds after T; None has no timestamp."""
    found = []
    for at in moments:
        raw: dict[str, Any] = document(logged=T + timedelta(seconds=at or 0))
        if at is None:
            del raw["timestamp"]
        read = read_document(raw, "SHOPIFY_ORDER", Reading())
        assert isinstance(read, FailureDocument)
        found.append(read)
    return found


ROWS: list[tuple[tuple[float | None, ...], float | None, float | None, bool, str]] = [
    # seconds of the documents, since, before, newest first, a word of the fault
    ((), 0, None, False, ""),
    ((0, 1, 2), 0, None, False, ""),
    ((0, 1, 2), None, 3, False, ""),
    ((2, 1, 0), None, 3, True, ""),
    ((0, 1, 2), None, 2, False, "outside"),
    ((-0.001, 1), 0, None, False, "outside"),
    ((5,), 0, 5, False, "outside"),
    ((0, 2, 1), 0, None, False, "does not sort"),
    ((1, 2), None, 3, True, "does not sort"),
    ((0, None, 1), 0, None, False, "no timestamp"),
    # A fall within one second is the order of strings, not nonsense.
    ((0.9, 0.1, 1), 0, None, False, ""),
    ((1.1, 0.2, 0.8), None, 2, True, ""),
]


@pytest.mark.parametrize(("moments", "since", "before", "newest_first", "word"), ROWS)
def test_a_page_is_checked(
    moments: tuple[float | None, ...],
    since: float | None,
    before: float | None,
    newest_first: bool,
    word: str,
) -> None:
    def at(seconds: float | None) -> datetime | None:
        return None if seconds is None else T + timedelta(seconds=seconds)

    fault = fault_of_page(page(*moments), at(since), at(before), newest_first=newest_first)
    assert (word in fault) if word else not fault


@given(st.lists(st.integers(0, 5), min_size=2))
def test_any_page_that_falls_from_second_to_second_is_found_out(seconds: list[int]) -> None:
    fault = fault_of_page(page(*seconds), T, None)
    assert bool(fault) == (seconds != sorted(seconds))


def test_the_newest_document_is_the_one_logged_last() -> None:
    documents = page(None, 3, 1)
    assert newest(documents) is documents[1]
    assert newest(page(None)) is None


def test_a_whole_second_is_its_beginning() -> None:
    moment = datetime(2026, 11, 24, 14, 21, 7, 999_999, tzinfo=UTC)
    assert whole_second(moment) == datetime(2026, 11, 24, 14, 21, 7, tzinfo=UTC)
    assert whole_second(whole_second(moment)) == whole_second(moment)
