"""Orders counted by what one may filter by."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef

from reconciler.ledger.figures.counts import by_columns
from reconciler.ledger.figures.shops import shop_names
from reconciler.ledger.models import ErrorSignature, Shop, ShopHost, SignatureAlias
from reconciler.ledger.queries import (
    NOBODY,
    FailedOrderQuerySet,
    failed_orders,
    signatures_of,
)

#: Values of a column, with the rows that they name where these are loaded -> for each of them the
#: values of the query string, their words, and where there are any more words.
Labels = Callable[[Mapping[Any, Any]], Mapping[Any, Iterable[tuple[str, ...]]]]


@dataclass(frozen=True)
class FacetValue:
    """A value that one may filter by, its name for people, and how many orders have it."""

    value: str
    text: str
    count: int
    #: By what else people may know it.
    more: str = ""


@dataclass(frozen=True)
class Facet:
    """A way to count orders: by a column of theirs, whose values ``labels`` names."""

    title: str
    column: str
    labels: Labels


def by_signature(value_and_words: Callable[[ErrorSignature], tuple[str, ...]]) -> Labels:
    """Name signatures by something that they have."""
    return lambda signatures: {pk: [value_and_words(row)] for pk, row in signatures.items()}


def by_choices(choices: Mapping[str, str]) -> Labels:
    """Name the values of a column with choices."""
    return lambda keys: {key: [(str(key), choices.get(key, str(key)))] for key in keys}


def by_shop(keys: Iterable[int]) -> dict[int, list[tuple[str, str]]]:
    """Name shops as `?shop=` matches them; a shop may have several names."""
    names: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for name, shops in shop_names(keys).items():
        for pk in shops:
            names[pk].append((name, name))
    return names


def slugs_in_use(slugs: Iterable[str]) -> dict[str, str]:
    """Map slugs of earlier rules to those of their signatures."""
    used = ErrorSignature.objects.values("slug")
    aliases = SignatureAlias.objects.filter(slug__in=slugs).exclude(slug__in=used)
    return dict(aliases.values_list("slug", "signature__slug"))


def names_of_hosts(hosts: Iterable[str]) -> dict[str, str]:
    """Map hosts that shops were seen under, in any case, to the names of these shops.

    Of several shops seen under a host it names one.
    """
    lower = {host: host.lower() for host in hosts}
    seen = ShopHost.objects.filter(host__in=lower.values()).order_by("pk")
    named = Shop.objects.filter(name__in=lower.values())
    # A shop of this name goes before one that was seen under it.
    names = dict(seen.values_list("host", "shop__name")) | dict(named.values_list("name", "name"))
    return {host: names[key] for host, key in lower.items() if key in names}


def facet_counts(
    orders: FailedOrderQuerySet, facets: Mapping[str, Facet], revision: int
) -> dict[str, list[FacetValue]]:
    """Count orders by each facet, most first. The orders are read once for all facets."""
    wanted = {facet.column for facet in facets.values()}
    counts: dict[str, dict[Hashable, int]] = {}
    for together in (*COUNTED_TOGETHER, wanted.difference(*COUNTED_TOGETHER)):
        if wanted & together:
            # All of them, even if one is wanted: for shop alone SQLite would read every order.
            counts |= _counted(orders, sorted(together), revision)
    # Several facets are of signatures: they are loaded once.
    loaded: dict[str, Mapping[Any, Any]] = {}

    def values(facet: Facet) -> list[FacetValue]:
        column = facet.column
        if column not in loaded:
            load: Any = signatures_of if column == "signature" else dict.fromkeys
            loaded[column] = load(counts[column])
        return _values(facet.labels(loaded[column]), counts[column])

    return {name: values(facet) for name, facet in facets.items()}


#: Columns whose values an index holds side by side: they are counted in one pass.
COUNTED_TOGETHER = ({"signature", "shop"}, {"verdict", "state", "assignee"})


def _counted(
    orders: FailedOrderQuerySet, columns: list[str], revision: int
) -> dict[str, dict[Hashable, int]]:
    """Count orders by the values of each of these columns."""
    rows = by_columns(orders, columns, revision)
    return {
        column: _sums((row[place], row[-1]) for row in rows) for place, column in enumerate(columns)
    }


def by_owner(owners: Mapping[Any, Any]) -> Mapping[Any, Iterable[tuple[str, str]]]:
    """Name orders by their owner's user name; orders without one stand under NOBODY."""
    return {name: [(name, name) if name else (NOBODY, "No owner")] for name in owners}


def _sums(pairs: Iterable[tuple[Hashable, int]]) -> dict[Hashable, int]:
    sums: dict[Hashable, int] = defaultdict(int)
    for key, n in pairs:
        sums[key] += n
    return sums


def _values(
    labels: Mapping[Any, Iterable[tuple[str, ...]]], counts: dict[Hashable, int]
) -> list[FacetValue]:
    words: dict[str, Sequence[str]] = {}
    sums: dict[str, int] = defaultdict(int)
    for key, n in counts.items():
        for value, *words_of_value in labels.get(key, ()):
            sums[value] += n
            words[value] = words_of_value
    values = [FacetValue(value, text, sums[value], *more) for value, (text, *more) in words.items()]
    return sorted(values, key=lambda v: (-v.count, v.text, v.value))


def number_of_shops() -> int:
    """Count the shops that have an order; each is one search of an index."""
    theirs = failed_orders().filter(shop=OuterRef("pk"))
    return len(shop_names(Shop.objects.filter(Exists(theirs)).values_list("pk", flat=True)))


def shop_counts(orders: FailedOrderQuerySet, revision: int) -> list[FacetValue]:
    """Count orders by shop, most first."""
    return facet_counts(orders, {"shop": Facet("Shop", "shop", by_shop)}, revision)["shop"]
