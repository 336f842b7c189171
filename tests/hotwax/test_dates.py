"""Reading HotWax's dates: every form a row."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.hotwax.dates import read_date
from reconciler.hotwax.documents import Reading

NEW_YORK = Reading(ZoneInfo("America/New_York"))
UTC_READING = Reading()


@pytest.mark.parametrize(
    ("text", "reading", "expected"),
    [
        ("1704335862000", UTC_READING, "2024-01-04T02:37:42+00:00"),
        ("1704335862000.0", UTC_READING, "2024-01-04T02:37:42+00:00"),
        ("2024-01-10T11:29:31.127Z", UTC_READING, "2024-01-10T11:29:31.127000+00:00"),
        ("2024-01-10T11:29:31Z", UTC_READING, "2024-01-10T11:29:31+00:00"),
        ("2024-01-10T11:29:31.5Z", UTC_READING, "2024-01-10T11:29:31.500000+00:00"),
        ("2024-01-10T11:29:31.127456789Z", UTC_READING, "2024-01-10T11:29:31.127000+00:00"),
        ("2024-01-10T11:29:31+02:00", UTC_READING, "2024-01-10T09:29:31+00:00"),
        ("2024-01-10T11:29:31-0530", UTC_READING, "2024-01-10T16:59:31+00:00"),
        ("2024-01-10 11:29:31", NEW_YORK, "2024-01-10T16:29:31+00:00"),
        ("January 3, 2024 10:15:12 PM", UTC_READING, "2024-01-03T22:15:12+00:00"),
        ("January 3, 2024 10:15:12 PM", NEW_YORK, "2024-01-04T03:15:12+00:00"),
        ("January 3, 2024 10:15:12 pm", NEW_YORK, "2024-01-04T03:15:12+00:00"),
        ("January 3, 2024 10:15:12\u202fPM", NEW_YORK, "2024-01-04T03:15:12+00:00"),
        ("January 3, 2024 22:15:12", NEW_YORK, "2024-01-04T03:15:12+00:00"),
        ("January 3, 2024, 12:00:00 AM", UTC_READING, "2024-01-03T00:00:00+00:00"),
        ("January 3, 2024 12:00:00 PM", UTC_READING, "2024-01-03T12:00:00+00:00"),
        ("Jan 3, 2024 1:05 AM", UTC_READING, "2024-01-03T01:05:00+00:00"),
        ("Sept 3, 2024 01:05:00", UTC_READING, "2024-09-03T01:05:00+00:00"),
        ("  1704335862000  ", UTC_READING, "2024-01-04T02:37:42+00:00"),
        ("100000000000", UTC_READING, "1973-03-03T09:46:40+00:00"),
        ("1970-01-01T00:00:00Z", UTC_READING, "1970-01-01T00:00:00+00:00"),
        ("9000-12-31T23:59:59Z", UTC_READING, "9000-12-31T23:59:59+00:00"),
        ("2024-01-10", UTC_READING, "2024-01-10T00:00:00+00:00"),
        ("2024-1-2 3:04", UTC_READING, "2024-01-02T03:04:00+00:00"),
        ("2024-01-10T11:29:31.05Z", UTC_READING, "2024-01-10T11:29:31.050000+00:00"),
        ("2024-01-10T11:29:31+23:30", UTC_READING, "2024-01-09T11:59:31+00:00"),
        ("2024-01-10T11:29:31+23", UTC_READING, "2024-01-09T12:29:31+00:00"),
        ("2024-01-10T11:29:31-23:59", UTC_READING, "2024-01-11T11:28:31+00:00"),
        ("Jan 3, 2024 12:05 PM", UTC_READING, "2024-01-03T12:05:00+00:00"),
        ("Jan 3, 2024 1:05:06.7 p.m.", UTC_READING, "2024-01-03T13:05:06.700000+00:00"),
        ("Dec. 31, 2024 at 23:05", UTC_READING, "2024-12-31T23:05:00+00:00"),
    ],
)
def test_a_date_is_read(text: str, reading: Reading, expected: str) -> None:
    moment = read_date(text, reading.zone)
    assert moment is not None
    assert moment.isoformat() == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "0",
        "-1704335862000",
        "17043358",  # seconds or nonsense: not milliseconds of a time when there was a Shopify
        "99999999999999999999999",
        "2024-02-30T00:00:00Z",
        "2024-01-10T25:00:00Z",
        "January 32, 2024 10:15:12 PM",
        "January 3, 2024 13:15:12 PM",
        "Janua 3, 2024 10:15:12",
        "Foo 3, 2024 10:15:12",
        "2024-01-10T11:29:31+99:00",
        "2024-01-10T112931.5Z",  # as long as a date of Solr's
        "2024-01-10T112931.12345Z",
        "１７０４３３５８６２０００",
        "99999999999",
        "1969-12-31T23:59:59Z",
        "9001-01-01T00:00:00Z",
        "2024-01-10T11:29:31+24:00",
        "2024-01-10T11:29:31-24:30",
        "Jan 3, 2024 0:05 AM",
        "Jan 3, 2024 13:05 AM",
    ],
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert read_date(text, UTC_READING.zone) is None


@pytest.mark.parametrize(
    ("not_before", "expected"),
    [
        # 01:30 occurs at 05:30 and at 06:30 UTC on that night.
        (None, "05:30"),
        ("2026-11-01T05:00:00+00:00", "05:30"),
        ("2026-11-01T05:30:00+00:00", "05:30"),
        ("2026-11-01T05:45:00+00:00", "06:30"),
        ("2026-11-01T06:30:00+00:00", "06:30"),
        ("2026-11-01T07:00:00+00:00", "05:30"),  # before the order either way: say the earliest
    ],
)
def test_a_time_that_occurs_twice_is_the_earliest_not_before_the_order(
    not_before: str | None, expected: str
) -> None:
    created = datetime.fromisoformat(not_before) if not_before else None
    moment = read_date("November 1, 2026 1:30:00 AM", NEW_YORK.zone, created)
    assert moment is not None
    assert f"{moment:%H:%M}" == expected


def test_a_time_that_the_clocks_skip_is_read_by_the_offset_before() -> None:
    moment = read_date("March 8, 2026 2:30:00 AM", NEW_YORK.zone)
    assert moment == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)


@given(st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1)))
def test_every_form_of_one_moment_reads_alike(naive: datetime) -> None:
    moment = naive.replace(microsecond=0, tzinfo=UTC)
    forms = [
        str(int(moment.timestamp() * 1000)),
        f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        f"{moment:%B} {moment.day}, {moment:%Y %I:%M:%S %p}",
        f"{moment:%B} {moment.day}, {moment:%Y %H:%M:%S}",
    ]
    assert [read_date(form, UTC_READING.zone) for form in forms] == [moment] * 4
