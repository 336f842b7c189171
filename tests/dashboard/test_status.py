"""The status page: what check_hotwax says, in the browser, and who may ask for it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client as Browser

from reconciler.demo.server import Demo
from reconciler.ledger.models import SyncEvent, SyncState
from tests.clock import NOW
from tests.conftest import HotWax
from tests.dashboard.conftest import Open, Page
from tests.makers import document, envelope, static

pytestmark = pytest.mark.django_db


def make(user: User, role: str) -> None:
    user.groups.set(Group.objects.filter(name=role))


def test_the_check_runs_on_demand_and_its_findings_stay(
    browser: Browser, agent: User, demo: Demo
) -> None:
    make(agent, "Agent")
    page = Page(browser.get("/status/"))
    assert "not run yet" in page.html
    assert browser.get("/status/check/").status_code == 405
    assert browser.post("/status/check/")["Location"] == "/status/"
    page = Page(browser.get("/status/"))
    results = [li.get("data-result") for li in page.root.one("ul", class_="findings").all("li")]
    assert results == ["ok"] * 13


def test_a_viewer_reads_and_does_not_check(browser: Browser, agent: User, quiet: None) -> None:
    make(agent, "Viewer")
    assert "Check the connection now" not in browser.get("/status/").content.decode()
    assert browser.post("/status/check/").status_code == 403


def test_what_happened_is_told(open_page: Open, hotwax_of: Any) -> None:
    hotwax: HotWax = hotwax_of(answer=static({}, 503))
    SyncState.objects.all().delete()
    for _ in range(3):
        with pytest.raises(Exception, match="503"):
            hotwax.step("first")
    hotwax.answer = static(envelope([document("#1")]))
    hotwax.sync()
    kinds = list(SyncEvent.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["failed", "recovered", "mode", "scanned"]
    html = open_page("/status/").html
    assert "HotWax answers “not now” (503)." in html
    assert "compatible: the server answers a range with documents outside of it" in html


def test_fields_zone_and_unreadable_documents_are_listed(open_page: Open, hotwax_of: Any) -> None:
    SyncState.objects.all().delete()
    early = document("#1", firstAttemptedImport="January 3, 2020 10:15:12 PM", colour="red")
    bad = {"site": "https://x.myshopify.com/1?key=s3cret", "shopifyOrderName": ""}
    hotwax_of(answer=static(envelope([early, bad]))).sync()
    SyncState.objects.update(heartbeat_at=datetime.now(UTC))
    page = open_page("/status/")
    assert "1 of the newest 1 first attempts lie before their order" in page.html
    assert "colour" in page.html
    section = page.root.one("section", aria_labelledby="h-unreadable")
    assert "neither a document id nor an order name" in section.text
    assert "key=•••" in section.text
    assert "s3cret" not in page.html


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "none yet"),
        ({"oms_answered_at": NOW}, "answers; every open order was asked about"),
        (
            {
                "oms_failing_since": NOW,
                "oms_off": True,
                "oms_error": "HotWax refused the credentials (403).",
                "oms_remedy": "Make a new token.",
            },
            "HotWax refused the credentials (403). Make a new token.",
        ),
        ({"oms_failing_since": NOW, "oms_error": "It broke off."}, "does not answer"),
    ],
)
def test_the_order_index_is_told_with_what_to_do(
    changes: dict[str, Any], told: str, browser: Browser, quiet: None
) -> None:
    SyncState.objects.update(**changes)
    page = Page(browser.get("/status/"))
    assert told in " ".join(page.root.one("section", aria_labelledby="h-order-index").text.split())
