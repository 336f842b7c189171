"""Managers correct what kind of error it is: for all its orders, for good, as an event."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client as Browser

from reconciler.ledger.models import ErrorSignature, Event, FailedOrder, SyncState
from reconciler.ledger.signatures.rules import SignatureRules
from tests.conftest import HotWax
from tests.dashboard.conftest import Open, Page
from tests.makers import document

Keep = Callable[..., None]
WRONG, RIGHT = {"category": "mapping", "retry": "no"}, {"category": "payment", "retry": "yes"}


@pytest.fixture
def url(keep: Keep) -> str:
    keep(
        document("#1", error="Transaction is empty"),
        document("#2", error="Transaction is empty"),
        document("#3", error="Product not exist"),
    )
    return f"/errors/{FailedOrder.objects.get(order_name='#1').signature.slug}/"


def test_a_correction_counts_for_all_orders_with_this_error(
    manager: Browser, open_page: Open, url: str
) -> None:
    before = SyncState.objects.get().revision
    page = Page(manager.post(f"{url}kind/?view=all", WRONG, follow=True))
    assert SyncState.objects.get().revision > before  # figures are counted anew
    assert "All orders with this error are now: Mapping, do not retry." in page.html
    assert "corrected by priya" in page.html
    assert sorted(open_page("/orders/?category=mapping").names) == ["#1", "#2", "#3"]
    assert sorted(open_page("/orders/?retry=no").names) == ["#1", "#2"]
    (event,) = Event.objects.all()
    assert (event.actor, event.before, event.after) == ("priya", "payment, yes", "mapping, no")
    assert event.kind == "correction"
    assert event.signature == FailedOrder.objects.get(order_name="#1").signature


def test_what_it_says_already_is_no_correction_and_the_rules_word_undoes_one(
    manager: Browser, url: str
) -> None:
    assert "says already" in manager.post(f"{url}kind/", RIGHT, follow=True).content.decode()
    assert not Event.objects.exists()
    manager.post(f"{url}kind/", WRONG)
    page = manager.post(f"{url}kind/", RIGHT, follow=True).content.decode()
    assert "corrected by" not in page
    assert Event.objects.count() == 2


@pytest.mark.parametrize("data", [{}, {"category": "odd", "retry": "yes"}, {"category": "data"}])
def test_a_value_that_does_not_exist_changes_nothing(
    data: dict[str, str], manager: Browser, url: str
) -> None:
    page = manager.post(f"{url}kind/", data, follow=True).content.decode()
    assert "from the lists" in page
    assert not Event.objects.exists()


def test_only_managers_and_admins_may(browser: Browser, manager: Browser, url: str) -> None:
    assert "filed wrongly" in manager.get(url).content.decode()
    assert "filed wrongly" not in browser.get(url).content.decode()
    assert browser.post(f"{url}kind/", WRONG).status_code == 403
    assert manager.get(f"{url}kind/").status_code == 302
    assert manager.post("/errors/0123456789ab/kind/", WRONG).status_code == 404
    assert not Event.objects.exists()


def test_a_correction_outlives_new_rules_and_a_regrouping(
    hotwax_of: Callable[..., HotWax], manager: Browser
) -> None:

    hotwax = hotwax_of([document("#1", error="Transaction is empty")])
    hotwax.sync()
    url = f"/errors/{FailedOrder.objects.get().signature.slug}/"
    manager.post(f"{url}kind/", WRONG)
    for version, template in ((98, "Transaction is empty"), (99, "Transaction")):
        hotwax.changes = {"rules": SignatureRules(version, ((r".+", template),))}
        hotwax.sync()
        found: Any = ErrorSignature.objects.get()
        assert (found.template, found.rules_version) == (template, version)
        assert (found.category, found.retry, found.corrected_by) == ("mapping", "no", "priya")
    assert Event.objects.get().signature == found
