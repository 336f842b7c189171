"""The query string as the whole state of a page: reading it, and links that change it."""

from collections.abc import Iterable
from typing import ClassVar, Self

from django.http import QueryDict

#: Names that may be repeated; of every other name the last value counts.
REPEATABLE = ("error", "category", "shop", "state", "retry")
NAMES = (
    "view",
    "q",
    "order",
    "error",
    "category",
    "shop",
    "state",
    "retry",
    "date",
    "period",
    "from",
    "to",
    "at",
    "sort",
    "page",
    "per_page",
)
DEFAULTS = {("date", "failed"), ("period", "all"), ("sort", "-failed"), ("per_page", "50")}
#: What the filter form does not show as fields of its own, and so must carry along.
CARRIED = ("view", *REPEATABLE, "at", "label", "per_page")
#: What a list is narrowed by; "Clear all" removes these.
FILTERS = ("q", "order", *REPEATABLE, "date", "period", "from", "to", "at")


class Query:
    """What is written in the URL: known names only, blank values dropped. Immutable."""

    #: All names of the page, in the order in which links write them.
    names: ClassVar[tuple[str, ...]] = NAMES
    #: What goes without saying, so that no link says it.
    defaults: ClassVar[set[tuple[str, str]]] = DEFAULTS

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self.pairs = tuple(pairs)

    @classmethod
    def of(cls, data: QueryDict) -> Self:
        """Read a query string."""
        pairs: list[tuple[str, str]] = []
        for name in cls.names:
            values = [value for value in data.getlist(name) if value.strip()]
            if name in REPEATABLE:
                values = [value.strip() for value in values]
            if name not in REPEATABLE:
                values = values[-1:] if data.get(name, "").strip() else []
            pairs += [(name, value) for value in dict.fromkeys(values)]
        return cls(pair for pair in pairs if pair not in cls.defaults)

    def values(self, name: str) -> list[str]:
        """List the values of a name."""
        return [value for key, value in self.pairs if key == name]

    def get(self, name: str, default: str = "") -> str:
        """Return the value that counts."""
        return next(iter(self.values(name)), default)

    def with_(self, name: str, *values: str) -> Self:
        """Set a name to these values (none removes it) and go back to the first page."""
        gone = {name} if name == "page" else {name, "page"}
        kept = [pair for pair in self.pairs if pair[0] not in gone]
        pairs = [*kept, *((name, value) for value in values if value)]
        pairs = [pair for pair in pairs if pair not in self.defaults]
        return type(self)(sorted(pairs, key=lambda pair: self.names.index(pair[0])))

    def without(self, *names: str) -> Self:
        """Remove names, and go back to the first page."""
        gone = {*names, "page"}
        return type(self)(pair for pair in self.pairs if pair[0] not in gone)

    def drop(self, name: str, value: str) -> Self:
        """Remove one value of a name."""
        return self.with_(name, *(v for v in self.values(name) if v != value))

    def toggle(self, name: str, value: str) -> Self:
        """Add a value (`!value` excludes), or remove it; its opposite goes in either case."""
        opposite = value[1:] if value.startswith("!") else f"!{value}"
        values = [v for v in self.values(name) if v != opposite]
        if value in values:
            return self.with_(name, *(v for v in values if v != value))
        return self.with_(name, *values, value)

    def encode(self) -> str:
        """Write it as a query string, without the question mark."""
        data = QueryDict(mutable=True)
        for name, value in self.pairs:
            data.appendlist(name, value)
        return data.urlencode()

    def url(self, path: str) -> str:
        """Append it to a path."""
        encoded = self.encode()
        return f"{path}?{encoded}" if encoded else path

    def data(self) -> QueryDict:
        """Turn it back into what a form reads."""
        return QueryDict(self.encode())


class ErrorsQuery(Query):
    """The query string of /errors/: that of /orders/, and `label`."""

    names = (*NAMES[:-3], "label", *NAMES[-3:])
    defaults = DEFAULTS - {("sort", "-failed")} | {("sort", "-orders"), ("view", "all")}

    def of_orders(self) -> Query:
        """Turn it into the query of the orders that are counted."""
        kept = [pair for pair in self.pairs if pair[0] in NAMES]
        return Query(kept).without("sort", "per_page").with_("view", self.get("view", "all"))


class TrendsQuery(Query):
    """The query string of /trends/: that of /orders/, `by` and `count`."""

    names = (*NAMES[:-3], "by", "count")
    defaults = {
        ("view", "all"),
        ("date", "first"),
        ("period", "30d"),
        ("by", "category"),
        ("count", "orders"),
    }

    def of_orders(self) -> Query:
        """Turn it into the query of the orders that are counted."""
        query = Query(pair for pair in self.pairs if pair[0] in NAMES)
        query = query.with_("view", self.get("view", "all"))
        query = query.with_("date", self.get("date", "first"))
        if self.get("from") or self.get("to"):
            return query.without("period")
        return query.with_("period", self.get("period", "30d"))
