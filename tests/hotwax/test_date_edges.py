"""Dates at the edges of what is read."""

from zoneinfo import ZoneInfo

import pytest

from reconciler.hotwax.dates import read_date

UTC = ZoneInfo("UTC")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("100000000000", "1973-03-03T09:46:40+00:00"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00+00:00"),
        ("9000-12-31T23:59:59Z", "9000-12-31T23:59:59+00:00"),
        ("2024-01-10", "2024-01-10T00:00:00+00:00"),
        ("2024-1-2 3:04", "2024-01-02T03:04:00+00:00"),
        ("2024-01-10T11:29:31.05Z", "2024-01-10T11:29:31.050000+00:00"),
        ("2024-01-10T11:29:31+23:30", "2024-01-09T11:59:31+00:00"),
        ("2024-01-10T11:29:31+23", "2024-01-09T12:29:31+00:00"),
        ("2024-01-10T11:29:31-23:59", "2024-01-11T11:28:31+00:00"),
        ("Jan 3, 2024 12:05 PM", "2024-01-03T12:05:00+00:00"),
        ("Jan 3, 2024 1:05:06.7 p.m.", "2024-01-03T13:05:06.700000+00:00"),
        ("Dec. 31, 2024 at 23:05", "2024-12-31T23:05:00+00:00"),
    ],
)
def test_a_date_is_read_up_to_the_edge(text: str, expected: str) -> None:
    moment = read_date(text, UTC)
    assert moment is not None
    assert moment.isoformat() == expected


@pytest.mark.parametrize(
    "text",
    [
        "99999999999",
        "1969-12-31T23:59:59Z",
        "9001-01-01T00:00:00Z",
        "2024-01-10T11:29:31+24:00",
        "2024-01-10T11:29:31-24:30",
        "Jan 3, 2024 0:05 AM",
        "Jan 3, 2024 13:05 AM",
    ],
)
def test_a_date_beyond_the_edge_is_none(text: str) -> None:
    assert read_date(text, UTC) is None
