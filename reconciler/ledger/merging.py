"""Orders that turn out to be one: what belongs to the one that goes leads to the one that stays."""

from collections.abc import Mapping

from reconciler.ledger.models import Attempt, Event, FailedOrder, OrderAlias, PackOrder


def hand_over(moves: Mapping[int, int]) -> None:
    """Hand events, packs and addresses of orders over to the orders that took their attempts.

    ``moves`` says where attempts went: from an order to another, by primary keys. An order that
    still has attempts keeps what is its own. To be called before the others are deleted.
    """
    moved = {old: new for old, new in moves.items() if old != new}
    if not moved:
        return
    alive = set(Attempt.objects.filter(order__in=moved).values_list("order_id", flat=True))
    swallowed = {old: new for old, new in moved.items() if old not in alive}
    _take_over(swallowed)
    for old, new in swallowed.items():
        Event.objects.filter(order=old).follow(order=new)
        OrderAlias.objects.filter(order=old).update(order=new)
        both = PackOrder.objects.filter(order=new).values("pack")
        PackOrder.objects.filter(order=old).exclude(pack__in=both).update(order=new)
    OrderAlias.objects.bulk_create(
        [OrderAlias(old_id=old, order_id=new) for old, new in swallowed.items()],
        ignore_conflicts=True,
    )


#: What people and the program did about an order.
_WORK = (
    "state",
    "state_detail",
    "state_at",
    "state_by",
    "was_resolved",
    "was_reopened",
    "arrived_at",
    "failed_since",
    "kept_open",
    "assignee",
    "verdict",
    "verdict_at",
    "oms_orders",
    "shopify_id",
)


def _take_over(swallowed: Mapping[int, int]) -> None:
    """Let an order that nobody worked on take over what was done about the one that goes.

    Its revision rises above both, so that no undo of one's actions reaches the other.
    """
    orders = FailedOrder.objects.in_bulk({*swallowed, *swallowed.values()})
    for old, new in swallowed.items():
        goes, stays = orders.get(old), orders.get(new)
        if goes is None or stays is None:
            continue
        if not stays.revision and (goes.revision or goes.verdict_at):
            for name in _WORK:
                setattr(stays, name, getattr(goes, name))
        stays.asks_first |= goes.asks_first
        stays.revision = max(goes.revision, stays.revision) + bool(goes.revision)
        stays.save(update_fields=[*_WORK, "asks_first", "revision"])


def successor_of(pk: int) -> FailedOrder | None:
    """Return the order that holds the history of one that is no more; None if there is none."""
    alias = OrderAlias.objects.select_related("order").filter(old_id=pk).first()
    return alias.order if alias else None
