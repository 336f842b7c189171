"""The suite's clock: when a test begins it is NOW, and time goes on from there.

TEST_CLOCK names a row of CLOCKS; the dashboard's zone is that row's. `python -m tests.clock` runs
what depends on the time of day once for each row. Imports nothing of ours.
"""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import time_machine

#: Name -> local time and zone. The nights are those in which the clocks change: after the hour
#: that is skipped, and (fold=1) in the second of the two hours that have one name.
CLOCKS: dict[str, tuple[datetime, str]] = {
    "afternoon": (datetime(2026, 11, 24, 14, 21, 7), "UTC"),
    "berlin-after-midnight": (datetime(2026, 11, 25, 0, 2), "Europe/Berlin"),
    "berlin-before-midnight": (datetime(2026, 11, 24, 23, 58), "Europe/Berlin"),
    "berlin-spring": (datetime(2026, 3, 29, 3, 1), "Europe/Berlin"),
    "berlin-autumn": (datetime(2026, 10, 25, 2, 30, fold=1), "Europe/Berlin"),
    "new-york-after-midnight": (datetime(2026, 11, 25, 0, 2), "America/New_York"),
    "new-york-before-midnight": (datetime(2026, 11, 24, 23, 58), "America/New_York"),
    "new-york-spring": (datetime(2026, 3, 8, 3, 1), "America/New_York"),
    "new-york-autumn": (datetime(2026, 11, 1, 1, 30, fold=1), "America/New_York"),
    "kolkata-after-midnight": (datetime(2026, 11, 25, 0, 2), "Asia/Kolkata"),
    "kolkata-before-midnight": (datetime(2026, 11, 24, 23, 58), "Asia/Kolkata"),
}
CHOSEN = os.environ.get("TEST_CLOCK", "afternoon")
ZONE = CLOCKS[CHOSEN][1]
NOW = CLOCKS[CHOSEN][0].replace(tzinfo=ZoneInfo(ZONE)).astimezone(UTC)

#: For tests beside a program that has a clock of its own: Solr removes what expired.
LAST_NOON = (datetime.now(UTC) - timedelta(hours=12)).replace(
    hour=12, minute=0, second=0, microsecond=0
)


def stopped_at(moment: datetime) -> Any:
    """Travel to a moment; time goes on from there. A context manager."""
    return time_machine.travel(moment.astimezone(UTC), tick=True)


def of_processes(now: datetime | None = None) -> dict[str, str]:
    """Environment in which a Python process has the clock of this one, or starts at ``now``."""
    hatch = time_machine.escape_hatch
    real = hatch.time.time() if hatch.is_travelling() else time.time()
    ahead = (time.time() if now is None else now.timestamp()) - real
    folder = str(Path(__file__).with_name("processes"))
    return {"PYTHONPATH": folder, "TEST_CLOCK_AHEAD": repr(ahead)}


def local(moment: datetime) -> datetime:
    """A moment in the dashboard's zone."""
    return moment.astimezone(ZoneInfo(ZONE))


def days_ago(days: int) -> str:
    """The day so many days before today, in the dashboard's zone: 2026-11-24."""
    return f"{local(NOW).date() - timedelta(days=days):%Y-%m-%d}"


def day(moment: datetime) -> str:
    """Its day in the dashboard's zone: 2026-11-24."""
    return f"{local(moment):%Y-%m-%d}"
