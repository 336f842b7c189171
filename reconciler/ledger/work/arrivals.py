"""Writes what the OMS order index answered: verdicts, and what follows from them (LEDGER.md §4).

An order that arrived is resolved by the program. An order that failed again after it was resolved
is opened again, unless it is in the OMS still.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from reconciler.hotwax.documents import bounded
from reconciler.hotwax.oms_orders import OmsOrder
from reconciler.ledger.models import (
    SYSTEM,
    Event,
    EventKind,
    FailedOrder,
    ShopHost,
    State,
    SyncState,
    Verdict,
)
from reconciler.ledger.work.events import event, record
from reconciler.ledger.work.verdicts import Asked, Judgement, judge, shopify_id_of

_WRITTEN = (
    "state",
    "state_detail",
    "state_at",
    "state_by",
    "was_resolved",
    "was_reopened",
    "arrived_at",
    "failed_since",
    "kept_open",
    "revision",
    "verdict",
    "verdict_at",
    "asks_first",
    "oms_orders",
    "shopify_id",
)


def write_answer(
    names: Iterable[str],
    found: Iterable[OmsOrder],
    asked_at: datetime,
    product_stores: Mapping[str, str],
) -> int:
    """Judge every failed order of these names by a complete answer.

    Returns how many orders have another verdict or state than before.
    ``product_stores`` maps hosts of shops to product stores (SHOP_PRODUCT_STORES).
    """
    wanted, now = set(names), timezone.now()
    with transaction.atomic():
        SyncState.lock()
        rows = FailedOrder.objects.select_for_update().filter(
            order_key__in={bounded(name) for name in wanted}
        )
        orders = [order for order in rows.order_by("pk") if order.order_name in wanted]
        judgements = judge(_asked(orders, product_stores), found)
        changed, events, same, told_of = [], list[Event](), [], 0
        for order in orders:
            judgement = judgements[order.pk]
            if order.state == State.RESOLVED and not _is_in_question(order, judgement):
                continue
            told = _apply(order, judgement, asked_at, now)
            told_of += bool(told)
            if told or order.asks_first or order.oms_orders != _written(judgement):
                order.asks_first, order.oms_orders = False, _written(judgement)
                order.shopify_id = shopify_id_of(order.verdict, order.oms_orders) or None
                changed.append(order)
                events += told
            else:
                same.append(order.pk)
        FailedOrder.objects.filter(pk__in=same).update(verdict_at=asked_at)
        FailedOrder.objects.bulk_create(
            changed, update_conflicts=True, unique_fields=["id"], update_fields=_WRITTEN
        )
        record(events)
        if changed:
            SyncState.raise_revision()
    return told_of


def _asked(orders: list[FailedOrder], product_stores: Mapping[str, str]) -> list[Asked]:
    shops = {order.shop_id for order in orders}
    stores: dict[int, set[str]] = {}
    for shop, host in ShopHost.objects.filter(shop__in=shops).values_list("shop_id", "host"):
        if host in product_stores:
            stores.setdefault(shop, set()).add(product_stores[host])
    return [
        Asked(
            order.pk,
            order.order_name,
            order.order_created_at,
            frozenset(stores.get(order.shop_id, ())),
        )
        for order in orders
    ]


def _is_in_question(order: FailedOrder, judgement: Judgement) -> bool:
    """Return True if a resolved order is to be judged: it failed again, or its proof is lost.

    A proof is lost when another order came that the same OMS order could prove.
    """
    lost = order.verdict == Verdict.IMPORTED and judgement.is_contested
    return order.asks_first or lost


def _apply(
    order: FailedOrder, judgement: Judgement, asked_at: datetime, now: datetime
) -> list[Event]:
    """Set the verdict of an order and what follows from it; return the events that tell it.

    They are of ``now``, when the verdict is written: a person may have acted since it was asked.
    """
    before, after = Verdict(order.verdict), judgement.verdict
    again = order.state == State.RESOLVED and order.failed_since
    if after == Verdict.MISSING:
        order.arrived_at = None
    elif after == Verdict.IMPORTED and before == Verdict.MISSING:
        order.arrived_at = asked_at
    order.verdict, order.verdict_at = after, asked_at
    events = []
    if before != after or (again and after == Verdict.IMPORTED):
        events.append(event(EventKind.VERDICT, now, order=order, before=before, after=after))
    if order.state == State.RESOLVED:
        lost = before == Verdict.IMPORTED and judgement.is_contested
        if after != Verdict.IMPORTED and (again or lost):
            events.append(move(order, State.OPEN, EventKind.REOPENED, now))
    elif after == Verdict.IMPORTED and not order.kept_open:
        events.append(move(order, State.RESOLVED, EventKind.STATE, now))
    if after != Verdict.IMPORTED:
        order.kept_open = False
    return events


def _written(judgement: Judgement) -> list[dict[str, str]]:
    return [oms.as_json() for oms in judgement.oms_orders]


def move(order: FailedOrder, state: State, kind: EventKind, now: datetime) -> Event:
    """Set the state of an order for the program, and return the event; writes neither."""
    before = order.state_text
    order.state, order.state_detail = state, ""
    order.state_at, order.failed_since, order.kept_open = now, False, False
    order.was_reopened |= kind == EventKind.REOPENED
    order.was_resolved |= state == State.RESOLVED
    order.state_by = SYSTEM
    order.revision += 1
    return event(kind, now, order=order, before=before, after=state, revision=order.revision)
