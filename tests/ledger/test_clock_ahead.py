"""Moments that were written while a clock was a day ahead count as never."""

from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from django.test import Client as Browser

from reconciler import service
from reconciler.ledger.models import LookedUpName, SyncState
from reconciler.ledger.sync import lease
from reconciler.ledger.sync.connection_check import Check
from tests.clock import NOW
from tests.conftest import HotWax
from tests.makers import document, envelope, solr_reply

Make = Callable[..., HotWax]
AHEAD = NOW + timedelta(hours=24)
pytestmark = pytest.mark.django_db


@pytest.fixture
def hotwax(hotwax_of: Make) -> HotWax:
    documents = [document(f"#{n}", document_id=f"d{n}") for n in range(3)]
    made = hotwax_of(documents)
    made.sync()
    documents.append(document("#new", document_id="new", logged=NOW - timedelta(seconds=30)))
    made.requests.clear()
    return made


def test_a_page_does_not_take_an_answer_of_tomorrow_for_a_fresh_one(hotwax: HotWax) -> None:
    SyncState.objects.update(answered_at=AHEAD)
    assert service.freshness().state == "stale"
    seen = service.freshness().seen
    assert seen and seen[1] <= NOW + timedelta(minutes=1)


@pytest.mark.parametrize(
    "columns", [("heartbeat_at",), ("asked_at",), ("caught_up_at",), ("back_off_until",)]
)
def test_a_page_asks_at_once(columns: tuple[str, ...], hotwax: HotWax) -> None:
    past = dict.fromkeys(("asked_at", "caught_up_at", "found_at"), NOW - timedelta(minutes=1))
    SyncState.objects.update(**{**past, "heartbeat_at": None}, **{})
    SyncState.objects.update(**dict.fromkeys(columns, AHEAD))
    hotwax.page()
    assert hotwax.requests
    assert service.failed_orders().filter(order_name="#new").exists()


def test_a_lease_of_tomorrow_is_free_and_one_of_now_is_not(hotwax: HotWax) -> None:
    SyncState.objects.update(lease_owner="dead", lease_until=AHEAD)
    assert lease.take("me", lease.LEASE)
    SyncState.objects.update(lease_owner="alive", lease_until=NOW + lease.LEASE)
    assert not lease.take("me", lease.LEASE)


def test_a_name_asked_tomorrow_is_asked_again(hotwax: HotWax, settings: Any) -> None:
    LookedUpName.objects.create(name_key="zzz", asked_at=AHEAD, answer="unknown")
    service.answers_by_name(["zzz"])
    assert LookedUpName.objects.get(name_key="zzz").asked_at < AHEAD


@pytest.mark.parametrize(
    ("hours", "words"),
    [(-25, "our clock is 1 d ahead of HotWax’s"), (2, "our clock is 2 h behind HotWax’s"), (0, "")],
)
def test_a_difference_to_the_servers_clock_is_told(
    hours: int, words: str, hotwax_of: Make, browser: Browser
) -> None:
    held = solr_reply([document("#1")])

    def answer(body: dict[str, Any]) -> httpx.Response:
        response = held(body)
        response.headers["Date"] = format_datetime(
            NOW + timedelta(hours=hours, seconds=9), usegmt=True
        )
        return response

    hotwax = hotwax_of(answer=answer)
    hotwax.sync()
    html = browser.get("/status/").content.decode()
    assert (words in html) if words else "our clock" not in html
    with hotwax.client() as client:
        (finding,) = [f for f in Check(client, hotwax.source).findings() if f.step == "clock"]
    assert finding.result == ("warning" if words else "ok")


def test_a_date_that_is_none_is_no_difference(hotwax_of: Make) -> None:
    reply = httpx.Response(200, json=envelope([document("#1")]), headers={"Date": "soon"})
    hotwax_of(answer=lambda body: reply).sync()
    assert service.freshness().clock_ahead is None
