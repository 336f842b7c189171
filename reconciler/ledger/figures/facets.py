"""Orders counted by what one may filter by. Each facet counts without its own choice."""

from collections import defaultdict
from collections.abc import Callable, Container, Hashable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Count, F

from reconciler.ledger.figures.counts import totals
from reconciler.ledger.models import (
    Category,
    ErrorSignature,
    FailedOrderQuerySet,
    Retry,
    Shop,
    ShopHost,
    shops_seen_under,
    signatures_named,
)

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class FacetValue:
    """A value that one may filter by, its name for people, and how many orders have it."""

    value: str
    text: str
    count: int


#: What orders can be counted by beside their state: all of them follow from signature and shop.
FACETS = ("category", "error", "retry", "shop")
Chosen = tuple[tuple[str, ...], tuple[str, ...]]


def facets(orders: FailedOrderQuerySet, chosen: dict[str, Chosen]) -> dict[str, list[FacetValue]]:
    """Count orders by each of FACETS, most first; each counts without its own choice.

    ``orders`` match all other filters; ``chosen`` has per facet the values to keep and to leave
    out. The orders are gone through once, whatever the number of facets.
    """
    counts = totals(orders)
    signatures = ErrorSignature.objects.in_bulk({signature for signature, _ in counts})
    allowed = {name: _allowed(name, *chosen[name], signatures) for name in FACETS}

    def counted(facet: str) -> list[tuple[int, int, int]]:
        others = [allowed[name] for name in FACETS if name != facet]
        return [
            (signature, shop, n)
            for (signature, shop), n in counts.items()
            if all(allows(signature, shop) for allows in others)
        ]

    by_error = _summed((signatures[s], n) for s, _, n in counted("error"))
    by_category = _summed((signatures[s].category, n) for s, _, n in counted("category"))
    by_retry = _summed((signatures[s].retry, n) for s, _, n in counted("retry"))
    return {
        "category": _sorted((c, str(Category(c).label), n) for c, n in by_category.items()),
        "error": _sorted((s.slug, s.template, n) for s, n in by_error.items()),
        "retry": _sorted((r, str(Retry(r).label), n) for r, n in by_retry.items()),
        "shop": _shop_facet(_summed((shop, n) for _, shop, n in counted("shop"))),
    }


def _allowed(
    facet: str,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    signatures: dict[int, ErrorSignature],
) -> Callable[[int, int], bool]:
    """Say by the filter's own rules whether an order of a signature and a shop passes it."""
    if facet in ("error", "shop"):
        inside, out = _ids(facet, include), _ids(facet, exclude)
        return lambda signature, shop: _passes(
            signature if facet == "error" else shop, inside, out, any_value=not include
        )
    return lambda signature, _: _passes(
        str(getattr(signatures[signature], facet)), include, exclude, any_value=not include
    )


def _ids(facet: str, values: tuple[str, ...]) -> set[int]:
    if not values:
        return set()
    find = signatures_named if facet == "error" else shops_seen_under
    return set(find(list(values)).values_list("pk", flat=True))


def _passes(
    value: object, inside: Container[object], out: Container[object], *, any_value: bool
) -> bool:
    return (any_value or value in inside) and value not in out


def _summed(pairs: Iterable[tuple[Key, int]]) -> dict[Key, int]:
    sums: dict[Key, int] = defaultdict(int)
    for key, n in pairs:
        sums[key] += n
    return sums


def _sorted(values: Iterable[tuple[str, str, int]]) -> list[FacetValue]:
    rows = [FacetValue(value, text, n) for value, text, n in values]
    return sorted(rows, key=lambda v: (-v.count, v.text, v.value))


def _shop_facet(counts: dict[int, int]) -> list[FacetValue]:
    called = shops_called(counts)
    return _sorted((n, n, sum(counts[pk] for pk in shops)) for n, shops in called.items())


def shops_called(keys: Iterable[int]) -> dict[str, set[int]]:
    """Group shops by the names that people, and the filter, call them by."""
    names = dict(Shop.objects.filter(pk__in=keys).values_list("pk", "name"))
    of_name = {name: {pk for pk in names if names[pk] == name} for name in set(names.values())}
    # By the filter's own rule: a name may also be a host of another shop.
    hosts = ShopHost.objects.filter(host__in=of_name, shop__in=keys).exclude(shop__name=F("host"))
    for name, shop in hosts.values_list("host", "shop_id"):
        of_name[name].add(shop)
    return of_name


def shops_of(orders: FailedOrderQuerySet) -> list[FacetValue]:
    """Count orders per shop, most first."""
    return _shop_facet(dict(orders.order_by().values_list("shop").annotate(n=Count("pk"))))
