"""What an answer means for whoever asks again: flags, waits, clocks, limits; each rule a row."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from reconciler.hotwax import exceptions
from reconciler.hotwax.replies import clock_ahead_seconds, read_reply
from tests.clock import NOW
from tests.makers import SAMPLE, envelope

NOTHING = httpx.Headers()


def refusal(status: int, body: Any, headers: httpx.Headers | None = None) -> exceptions.HotWaxError:
    text = body if isinstance(body, str) else json.dumps(body)
    with pytest.raises(exceptions.HotWaxError) as caught:
        read_reply(status, headers or NOTHING, text.encode())
    return caught.value


LOGIN = httpx.Headers({"Location": "https://x.hotwax.io/Login"})
FLAGS: list[tuple[int, Any, httpx.Headers, bool, bool]] = [
    # status, body, headers, may it help to ask again, may another method be tried
    (401, {}, NOTHING, False, False),
    (403, {}, NOTHING, False, False),
    (429, {}, NOTHING, True, False),
    (500, {}, NOTHING, False, True),
    (501, {}, NOTHING, False, True),
    (502, {}, NOTHING, True, True),
    (503, {}, NOTHING, True, True),
    (504, {}, NOTHING, True, True),
    (505, {}, NOTHING, False, True),
    *((status, "", NOTHING, False, True) for status in (301, 302, 303, 307, 308)),
    (302, "", LOGIN, False, True),
    (200, "<input type=password>", NOTHING, False, True),
    (404, "<html>", NOTHING, False, True),
    (200, "<html>", NOTHING, False, True),
    (200, "oops", NOTHING, False, True),
    (200, [1], NOTHING, False, True),
    (200, {}, NOTHING, False, True),
    (400, {}, NOTHING, False, True),
    (499, {}, NOTHING, False, True),
    (200, {"error": {"code": 499, "msg": "no"}}, NOTHING, False, False),
    (200, {"error": {"code": 500, "msg": "no"}}, NOTHING, True, False),
    (200, {"error": {"code": 599, "msg": "no"}}, NOTHING, True, False),
    (200, {"error": {"code": 600, "msg": "no"}}, NOTHING, False, False),
    (200, {"responseHeader": {"status": 503}}, NOTHING, True, False),
    (200, {"responseHeader": {"status": 400}}, NOTHING, False, False),
    (200, {"_ERROR_MESSAGE_": "no"}, NOTHING, False, True),
    (200, {"responseHeader": {"status": 0}, "errors": "no"}, NOTHING, False, False),
]


@pytest.mark.parametrize(("status", "body", "headers", "may_retry", "not_solr"), FLAGS)
def test_a_refusal_says_whether_to_ask_again_and_whether_otherwise(
    status: int, body: Any, headers: httpx.Headers, may_retry: bool, not_solr: bool
) -> None:
    error = refusal(status, body, headers)
    assert (error.may_retry, error.not_solr) == (may_retry, not_solr)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"responseHeader": {"status": 503}}, "HotWax's Solr answers “not now” (503)."),
        ({"error": {"code": 503}}, "HotWax's Solr answers “not now” (503)."),
        ({"error": {"code": 503, "msg": "busy"}}, "HotWax's Solr answers “not now” (503). busy"),
        ({"responseHeader": {"status": 7}}, "HotWax's Solr answers with status 7."),
        ({"error": {"msg": ["a", 1]}}, 'HotWax\'s Solr refused the request: ["a", 1]'),
        ({"error": {"msg": "x" * 300}}, f"HotWax's Solr refused the request: {'x' * 300}"),
    ],
)
def test_a_refusal_inside_of_http_200_is_told_in_solrs_words(
    body: dict[str, Any], words: str
) -> None:
    assert str(refusal(200, body)) == words


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_called_one(status: int) -> None:
    assert str(refusal(status, "", NOTHING)) == f"HotWax redirects ({status}) elsewhere."
    assert "login page" in str(refusal(status, "", LOGIN))


@pytest.mark.parametrize("status", [400, 404, 499])
def test_any_other_refusal_is_told_with_its_status(status: int) -> None:
    body = {"response": {"docs": [], "numFound": 0}}
    assert str(refusal(status, body, NOTHING)) == f"HotWax refused the request ({status})."


@pytest.mark.parametrize("status", [300, 304, 305, 309])
def test_another_answer_of_its_kind_is_none(status: int) -> None:
    assert "redirects" not in str(refusal(status, "", NOTHING))


WAITS: list[tuple[str | None, float | None]] = [
    ("7", 7.0),
    (" 7 ", 7.0),
    ("0", 0.0),
    ("1234567", 123456.0),
    ("٧", None),
    ("soon", None),
    ("", None),
    (None, None),
    (format_datetime(NOW - timedelta(hours=1)), 0.0),
    (format_datetime(NOW + timedelta(hours=1)), 3600.0),
    ("Tue, 24 Nov 2026 14:21:07", None),
]


@pytest.mark.parametrize(("value", "seconds"), WAITS)
def test_a_wait_is_told_in_seconds_or_by_a_date(value: str | None, seconds: float | None) -> None:
    headers = httpx.Headers({} if value is None else {"Retry-After": value.encode()})
    waits = refusal(503, {}, headers).retry_after
    assert (waits is None) == (seconds is None)
    if waits is not None and seconds is not None:
        assert waits == pytest.approx(seconds, abs=5)
        assert waits >= 0


AT = datetime(2026, 11, 24, 14, 21, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        (format_datetime(AT, usegmt=True), 0),
        (format_datetime(AT - timedelta(seconds=90)), 90),
        (format_datetime(AT + timedelta(seconds=90)), -90),
        ("Mon, 01 Jan 1900 00:00:00 GMT", 10**9),
        ("Fri, 31 Dec 9999 23:59:59 GMT", -(10**9)),
        ("yesterday", 0),
        ("", 0),
        (None, 0),
    ],
)
def test_our_clock_is_compared_with_the_servers(date: str | None, seconds: int) -> None:
    headers = httpx.Headers({} if date is None else {"Date": date})
    assert clock_ahead_seconds(headers, AT) == seconds


@pytest.mark.parametrize(
    ("found", "fine"), [(1, True), (2**31 - 1, True), (2**31, False), (0, False), (True, False)]
)
def test_the_number_found_is_believed_where_it_can_be_kept(found: int, fine: bool) -> None:
    body = json.dumps(envelope([SAMPLE], found))
    if fine:
        assert read_reply(200, NOTHING, body.encode()) == ([SAMPLE], found)
    else:
        assert "says it found" in str(refusal(200, body))


@pytest.mark.parametrize(("digits", "kind"), [(3999, int), (4000, str), (5000, str)])
def test_a_number_of_many_digits_is_read_as_far_as_python_reads_it(digits: int, kind: type) -> None:
    body = '{"response": {"numFound": 1, "docs": [' + "9" * digits + "]}}"
    (value,), _ = read_reply(200, NOTHING, body.encode())
    assert type(value) is kind
