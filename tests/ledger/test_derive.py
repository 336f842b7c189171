"""Columns derived again after a setting changed: the same ledger as if it had always been so."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser

from reconciler import service
from reconciler.hotwax.documents import ALIASES, Reading
from reconciler.ledger.models import (
    Attempt,
    ErrorSignature,
    Event,
    FailedOrder,
    SyncState,
    UnreadableDocument,
)
from reconciler.ledger.signatures.rules import SignatureRules
from reconciler.ledger.sync.schedule import current_state
from reconciler.ledger.sync.syncer import documents_kept
from tests.clock import NOW
from tests.conftest import HotWax
from tests.makers import document, envelope, static

pytestmark = pytest.mark.django_db
Make = Callable[..., HotWax]


def ledger() -> list[Any]:
    columns = [
        f.attname
        for f in FailedOrder._meta.fields
        if f.attname not in ("id", "shop_id", "signature_id")
    ]
    rows = FailedOrder.objects.values_list("shop__key", "shop__name", *columns)
    return sorted(rows, key=repr)


def some() -> list[dict[str, Any]]:
    return [
        document(
            f"#{i % 300}",
            document_id=f"d{i}",
            logged=NOW - timedelta(hours=i % 700 + 1),
            host=["www.lune.com", "lune.myshopify.com", "b.myshopify.com"][i % 3],
            shop_id=["7", "7", "8"][i % 3],
        )
        for i in range(700)
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"HOTWAX_TIME_ZONE": "America/New_York"},
        {"SHOPIFY_STORES": {"www.lune.com": "lune"}},
    ],
)
def test_after_a_change_the_ledger_is_as_if_it_had_always_been_so(
    change: dict[str, Any], hotwax_of: Make, settings: Any
) -> None:
    hotwax_of(some()).sync()
    before = ledger()
    for name, value in change.items():
        setattr(settings, name, value)
    assert hotwax_of(some()).due() == "derive"
    hotwax_of(some()).sync()
    after = ledger()
    assert after != before
    for model in (Attempt, FailedOrder, SyncState):
        model.objects.all().delete()
    hotwax_of(some()).sync()
    assert after == ledger()


def test_progress_is_shown_and_a_kill_between_batches_loses_nothing(
    hotwax_of: Make, settings: Any
) -> None:
    hotwax = hotwax_of(some())
    hotwax.sync()
    assert service.freshness().deriving is None
    settings.HOTWAX_TIME_ZONE = "Asia/Tokyo"
    assert service.freshness().deriving == 0
    hotwax.step("derive")
    assert service.freshness().deriving == 66  # 200 of 300
    while hotwax.due() == "derive":
        hotwax.step("derive")
    assert service.freshness().deriving is None
    assert not hotwax.requests[-1:] or current_state().kept == 700


def test_an_order_keeps_its_row_when_its_shop_turns_out_to_be_another(
    hotwax_of: Make, settings: Any
) -> None:
    hotwax = hotwax_of([document("#1", host="www.lune.com", shop_id="7")])
    hotwax.sync()
    order = FailedOrder.objects.get()
    FailedOrder.objects.update(state="in_progress")
    settings.SHOPIFY_STORES = {"www.lune.com": "lune"}
    hotwax.step("derive")
    again = FailedOrder.objects.get()
    assert (again.pk, again.state, again.shop.key) == (order.pk, "in_progress", "7")


def test_an_order_that_another_swallows_leads_to_it_and_its_events_stay(
    hotwax_of: Make, settings: Any, browser: Browser
) -> None:
    own = document("#1", document_id="own", logged=NOW - timedelta(hours=3), host="www.lune.com", shop_id="7")  # fmt: skip
    shopify = document("#1", document_id="shopify", logged=NOW - timedelta(hours=2), host="lune.myshopify.com", shop_id="7")  # fmt: skip
    hotwax = hotwax_of([own, shopify])
    hotwax.sync()
    by_shop = {order.shop.key: order for order in FailedOrder.objects.select_related("shop")}
    assert set(by_shop) == {"www.lune.com", "7"}
    goes, stays = by_shop["www.lune.com"], by_shop["7"]
    Event.objects.create(order=goes, actor="ann", kind="note", at=NOW, after="called them")
    settings.SHOPIFY_STORES = {"www.lune.com": "lune"}
    while hotwax.due() == "derive":
        hotwax.step("derive")
    order = FailedOrder.objects.get()
    gone = ({goes.pk, stays.pk} - {order.pk}).pop()
    assert order.attempt_count == 2
    assert [event.after for event in order.events.all()] == ["called them"]
    SyncState.objects.update(heartbeat_at=NOW)
    answer = browser.get(f"/orders/{gone}/?view=all&q=x")
    assert answer.status_code == 301
    assert answer["Location"] == f"/orders/{order.pk}/?view=all&q=x"
    assert browser.get("/orders/999999/").status_code == 404


def test_deriving_needs_few_queries_however_many_attempts(
    hotwax_of: Make, settings: Any, django_assert_max_num_queries: Any
) -> None:
    hotwax = hotwax_of(some())
    hotwax.sync()
    settings.SHOPIFY_STORES = {"www.lune.com": "lune"}
    assert Attempt.objects.count() == 700
    with django_assert_max_num_queries(44):
        hotwax.step("derive")


def test_two_attempts_that_come_to_one_key_are_one(hotwax_of: Make) -> None:
    raws = [
        document(f"#{n}", document_id=f"d{n}", logged=NOW - timedelta(hours=2), other="same")
        for n in range(3)
    ]
    hotwax = hotwax_of(raws)
    hotwax.sync()
    aliases = {**ALIASES, "document_id": ("other",)}
    hotwax.changes = {"reading": Reading(aliases=aliases)}
    hotwax.step("derive")
    assert Attempt.objects.get().document_key == "same"


def test_what_left_the_log_stays_left(hotwax_of: Make, settings: Any) -> None:
    hotwax = hotwax_of([document("#1")])
    hotwax.sync()
    Attempt.objects.update(left_log_at=NOW, left_log_reason="expired")
    settings.HOTWAX_TIME_ZONE = "Asia/Tokyo"
    hotwax.step("derive")
    assert Attempt.objects.get().left_log_reason == "expired"
    assert FailedOrder.objects.get().left_log_at == NOW


def test_a_newer_parser_reads_everything_again_also_what_could_not_be_read(
    hotwax_of: Make,
) -> None:
    odd = document("", **{"document-id": "", "nameOfOrder": "#9"})
    hotwax = hotwax_of(answer=static(envelope([document("#1"), odd])))
    hotwax.sync()
    assert UnreadableDocument.objects.count() == 1
    aliases = ALIASES | {"order_name": ("shopifyOrderName", "nameOfOrder")}
    hotwax.changes = {"reading": Reading(aliases=aliases)}
    hotwax.sync()
    assert UnreadableDocument.objects.count() == 0
    assert set(FailedOrder.objects.values_list("order_name", flat=True)) == {"#1", "#9"}
    assert current_state().kept == documents_kept() == 2


def test_newer_rules_regroup_and_old_slugs_go_on_working(
    hotwax_of: Make,
) -> None:
    hotwax = hotwax_of(
        [
            *(document(f"#{i}", error=f"Lost parcel P{i}") for i in range(3)),
            document("#9", error="Transaction is empty"),
        ]
    )
    hotwax.changes = {"rules": SignatureRules(1, ())}
    hotwax.sync()
    ErrorSignature.objects.update(category="unexpected", retry="no", plain="")
    slugs = dict(ErrorSignature.objects.values_list("template", "slug"))
    assert len(slugs) == 4
    hotwax.changes = {"rules": SignatureRules(2, ((r" P\d+$", ""),))}
    assert hotwax.due() == "derive"
    hotwax.sync()
    assert set(ErrorSignature.objects.values_list("template", "rules_version")) == {
        ("Lost parcel", 2),
        ("Transaction is empty", 2),
    }
    assert ErrorSignature.objects.get(template="Transaction is empty").category == "payment"
    lost = service.failed_orders().of_errors([slugs["Lost parcel P1"]])
    assert {order.order_name for order in lost} == {"#0", "#1", "#2"}
    assert not lost.of_errors([slugs["Lost parcel P2"]], exclude=True).exists()
    assert service.sentences_of([slugs["Lost parcel P1"]]) == {
        slugs["Lost parcel P1"]: "Lost parcel"
    }

    # Again, with another name for the same: the first slugs still lead there.
    hotwax.changes = {"rules": SignatureRules(3, ((r" .*$", ""),))}
    hotwax.sync()
    assert set(ErrorSignature.objects.values_list("template", flat=True)) == {"Lost", "Transaction"}
    assert service.failed_orders().of_errors([slugs["Lost parcel P0"]]).count() == 3
    (unchanged,) = service.failed_orders().of_errors([slugs["Transaction is empty"]])
    assert unchanged.order_name == "#9"
