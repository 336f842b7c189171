"""A log's silence and its earlier pauses, found again by looking at every log time."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from reconciler.hotwax.documents import Reading, read_document
from reconciler.ledger.figures.silence import silence
from reconciler.ledger.intake import upsert
from reconciler.ledger.models import Attempt, FailedOrder
from tests.makers import document

pytestmark = pytest.mark.django_db

LAST = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def log(moments: list[datetime | None]) -> None:
    upsert([read_document(document("#1", logged=LAST), "SHOPIFY_ORDER", Reading())], LAST)  # type: ignore[list-item]
    order = FailedOrder.objects.get()
    Attempt.objects.bulk_create(
        Attempt(
            order=order,
            document_key=f"d{n}",
            logged_at=moment,
            signature=order.signature,
            seen_first_at=LAST,
            seen_last_at=LAST,
            raw="{}",
        )
        for n, moment in enumerate(moments)
    )


def pause_before(moments: list[datetime | None], now: datetime) -> timedelta | None:
    dated = sorted({LAST, *(moment for moment in moments if moment)}, reverse=True)
    quiet = now - LAST
    for later, earlier in pairwise(dated):
        if later - earlier > quiet >= HOUR:
            return later - earlier
    return None


@pytest.mark.parametrize(
    "runs",
    [
        [(1, 1, 1), (3, 1, 1), (3.5, 1, 1), (9, 1, 1)],
        [(0, 1_200, 1), (5, 600, 1), (15, 3, 60), (40, 1, 1)],
        [(0, 700, 0), (2, 700, 0), (5, 700, 0), (9, 1, 1)],
        [(0.5, 510, 30), (8, 510, 30), (20, 30, 5_400)],
        [(0, 499, 7), (4, 1, 1)],
        [(0, 500, 8), (4, 501, 7), (12, 1, 1)],
    ],
)
def test_the_latest_pause_that_was_longer_is_found_however_dense_the_log(
    runs: list[tuple[float, int, int]],
) -> None:
    """Runs of log times: hours before the last one, how many, seconds between two."""
    moments: list[datetime | None] = [
        LAST - hours * HOUR - timedelta(seconds=seconds * n)
        for hours, count, seconds in runs
        for n in range(count)
    ]
    log([*moments, None])
    for hours in (0, 0.9, 1, 1.2, 2, 2.5, 3, 3.9, 5, 9, 24):
        now = LAST + hours * HOUR
        assert silence(now, 1) == (LAST, pause_before(moments, now)), hours


def test_what_is_logged_in_the_future_does_not_end_a_silence() -> None:
    log([LAST + 5 * HOUR, LAST - 3 * HOUR])
    assert silence(LAST + 2 * HOUR, 1) == (LAST, 3 * HOUR)
    assert silence(LAST - 4 * HOUR, 1) is None


@pytest.mark.parametrize(("ended", "found"), [(59, True), (61, False)])
def test_a_pause_counts_for_sixty_days(ended: int, found: bool) -> None:
    """It may have begun earlier; a log that was written every hour since."""
    hours = [LAST - n * HOUR for n in range(1, ended * 24 + 1)]
    log([*hours, hours[-1] - 48 * HOUR])
    assert silence(LAST + 3 * HOUR, 1) == (LAST, 48 * HOUR if found else None)
