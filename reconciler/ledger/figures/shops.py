"""The names under which shops are counted and asked for."""

from collections import defaultdict
from collections.abc import Iterable

from reconciler.ledger.models import Shop


def shop_names(keys: Iterable[int]) -> dict[str, set[int]]:
    """Map shop names to the keys of the shops that `?shop=` with this name matches."""
    found = Shop.objects.filter(pk__in=keys).values_list("pk", "name", "hosts__host")
    seen = list(found.order_by())
    keys_of: dict[str, set[int]] = defaultdict(set)
    for pk, name, _ in seen:
        keys_of[name].add(pk)
    for pk, _, host in seen:
        # The name of one shop may also be a host of another.
        if host in keys_of:
            keys_of[host].add(pk)
    return dict(keys_of)


def names_of_shops(keys: Iterable[int]) -> dict[int, str]:
    """Return the own name of each shop, by primary key."""
    return dict(Shop.objects.filter(pk__in=keys).values_list("pk", "name"))
