"""Is an order in the OMS by now? Judges what the order index answered (LEDGER.md §4). Pure.

A false "imported" is the worst error this program can make: names repeat across shops, and the OMS
also holds orders that never failed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.hotwax.oms_orders import OmsOrder
from reconciler.ledger.models import Verdict

#: By how much the date of an OMS order may differ from the order's creation.
DATES_AGREE = timedelta(minutes=10)


@dataclass(frozen=True)
class Asked:
    """A failed order that the index was asked for, by its exact name."""

    pk: int
    name: str
    created_at: datetime | None
    #: The product stores that SHOP_PRODUCT_STORES names for its shop; empty if none.
    product_stores: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Judgement:
    """A verdict, and the OMS orders that prove it; of `unconfirmed` those that were found."""

    verdict: Verdict
    oms_orders: tuple[OmsOrder, ...] = ()
    #: An OMS order that could prove it could prove another failed order as well.
    is_contested: bool = False


def shopify_id_of(verdict: str, oms_orders: Iterable[Mapping[str, str]]) -> str:
    """Return the order's number in Shopify by the OMS orders that prove it; "" if not sure.

    ``oms_orders`` are written as OmsOrder.as_json does.
    """
    if verdict not in (Verdict.IMPORTED, Verdict.DUPLICATE):
        return ""
    ids = {order["shopify_id"] for order in oms_orders}
    return ids.pop() if len(ids) == 1 else ""


def judge(asked: Sequence[Asked], found: Iterable[OmsOrder]) -> dict[int, Judgement]:
    """Judge orders by what a complete reply holds, whose control came back; by primary key.

    ``asked`` must hold every failed order of the names asked for, of all shops: an OMS order that
    could prove several of them proves none.
    """
    by_name: dict[str, list[OmsOrder]] = {}
    for oms in found:
        by_name.setdefault(oms.name, []).append(oms)
    candidates = {
        order.pk: [oms for oms in by_name.get(order.name, ()) if not _is_of_earlier(oms, order)]
        for order in asked
    }
    proofs = {
        order.pk: [oms for oms in candidates[order.pk] if _proves(oms, order)] for order in asked
    }
    proves = Counter(oms.order_id for mine in proofs.values() for oms in mine)
    judgements = {}
    for pk, mine in proofs.items():
        sole = [oms for oms in mine if proves[oms.order_id] == 1]
        judgements[pk] = _judgement(sole, candidates[pk], is_contested=len(sole) < len(mine))
    return judgements


def _judgement(proofs: list[OmsOrder], found: list[OmsOrder], *, is_contested: bool) -> Judgement:
    if len(proofs) == 1:
        return Judgement(Verdict.IMPORTED, tuple(proofs), is_contested)
    if proofs:
        return Judgement(Verdict.DUPLICATE, tuple(proofs), is_contested)
    if found:
        return Judgement(Verdict.UNCONFIRMED, tuple(found), is_contested)
    return Judgement(Verdict.MISSING)


def _is_of_earlier(oms: OmsOrder, order: Asked) -> bool:
    """Return True if it is older than the failed order: its name was used before."""
    if oms.ordered_at is None or order.created_at is None:
        return False
    return oms.ordered_at < order.created_at - DATES_AGREE


def _proves(oms: OmsOrder, order: Asked) -> bool:
    if not oms.order_id or oms.is_cancelled:
        return False
    if oms.ordered_at is None or order.created_at is None:
        return False
    if order.product_stores:
        return oms.product_store in order.product_stores
    return abs(oms.ordered_at - order.created_at) <= DATES_AGREE
