"""The query string as the whole state of a page: what was written, and links that change it."""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, lru_cache
from typing import Self
from urllib.parse import quote_plus, urlencode

from django.http import QueryDict

from dashboard.filtering.parameter import Parameters
from dashboard.filtering.parameters import ORDERS

#: More pairs of name and value than this are refused as a whole.
MOST_PAIRS = 200
#: The same days, errors and shops stand in the links of every page.
_quoted = lru_cache(maxsize=4096)(quote_plus)


class Query:
    """What is written in the URL, by known names, without blanks and defaults. Immutable."""

    def __init__(
        self,
        pairs: Iterable[tuple[str, str]] = (),
        parameters: Parameters = ORDERS,
        refused: Mapping[str, str] | None = None,
    ) -> None:
        self.parameters = parameters
        #: Names whose values were too long or too many, and are left out: why, in a sentence.
        self.refused = refused or {}
        self.pairs = tuple(pairs)
        self.pairs = tuple(pair for pair in self.pairs if not self._is_left_out(pair))

    def _is_left_out(self, pair: tuple[str, str]) -> bool:
        known = pair[0] in self.parameters.by_name
        return not known or pair[1] in ("", self.default_of(pair[0]))

    def default_of(self, name: str) -> str:
        """Return what is meant where a name is absent; it may depend on the view."""
        row = self.parameters.by_name[name]
        if not row.default_in:
            return row.default
        view = next((value for key, value in self.pairs if key == "view"), "")
        return row.default_in.get(view, row.default)

    @classmethod
    def of(cls, data: QueryDict, parameters: Parameters = ORDERS) -> Self:
        """Read a query string. What is too long or too much is left out and noted as refused."""
        if sum(len(values) for _, values in data.lists()) > MOST_PAIRS:
            return cls((), parameters, {"": f"At most {MOST_PAIRS} filters at a time."})
        pairs: list[tuple[str, str]] = []
        refused: dict[str, str] = {}
        for row in parameters:
            values = [value for value in data.getlist(row.name) if value.strip()]
            if row.repeatable:
                values = [value.strip() for value in values]
            else:
                values = values[-1:] if data.get(row.name, "").strip() else []
            if any(len(value) > row.longest for value in values):
                refused[row.name] = f"At most {row.longest:,} characters."
                continue
            pairs += [(row.name, value) for value in dict.fromkeys(values)]
        return cls(pairs, parameters, refused)

    def values(self, name: str) -> list[str]:
        """Return the values of a name."""
        return [value for key, value in self.pairs if key == name]

    def get(self, name: str) -> str:
        """Return the value of a name, or its default."""
        return next(iter(self.values(name)), self.default_of(name))

    def with_(self, name: str, *values: str) -> Self:
        """Set a name to these values (none removes it) and go back to the first page."""
        gone = {name} if name == "page" else {name, "page"}
        kept = [pair for pair in self.pairs if pair[0] not in gone]
        pairs = [*kept, *((name, value) for value in values)]
        return self._of(sorted(pairs, key=self._place))

    def _place(self, pair: tuple[str, str]) -> int:
        return self.parameters.places[pair[0]]

    def without(self, *names: str) -> Self:
        """Remove names, and go back to the first page."""
        gone = {*names, "page"}
        if not any(name in gone for name, _ in self.pairs):
            return self
        return self._of(pair for pair in self.pairs if pair[0] not in gone)

    def drop(self, name: str, value: str) -> Self:
        """Remove one value of a name."""
        return self.with_(name, *(v for v in self.values(name) if v != value))

    def toggle(self, name: str, value: str) -> Self:
        """Add a value (`!value` excludes), or remove it; its opposite is removed in either case."""
        opposite = value[1:] if value.startswith("!") else f"!{value}"
        values = [v for v in self.values(name) if v != opposite]
        if value in values:
            return self.with_(name, *(v for v in values if v != value))
        return self.with_(name, *values, value)

    def adding(self, *names: str) -> Callable[..., str]:
        """Return what encodes the query with one value more of each name, on the first page.

        For many values of the same names: what stands before and after them is encoded once. The
        names follow each other in the table of parameters.
        """
        place = self.parameters.places[names[0]]
        before: list[tuple[str, str]] = []
        after: list[tuple[str, str]] = []
        for pair in self.without("page").pairs:
            (after if self._place(pair) > place else before).append(pair)
        head = f"{urlencode(before)}&" if before else ""
        tail = f"&{urlencode(after)}" if after else ""

        def encoded(*values: str) -> str:
            pairs = zip(names, values, strict=True)
            added = "&".join([f"{name}={_quoted(value)}" for name, value in pairs])
            return f"{head}{added}{tail}"

        return encoded

    def cleared(self) -> Self:
        """Remove every filter; what is no filter, such as the sort, stays."""
        return self.without(*(row.name for row in self.parameters if row.is_filter))

    def of_orders(self) -> "Query":
        """Return the query of the list that holds the orders which this page counts.

        What is a default here and not there is written out.
        """
        if self.parameters.orders is None:
            return self
        pairs = []
        for row in self.parameters.orders:
            mine = self.parameters.by_name.get(row.name)
            if mine is not None and row.name not in ("sort", "page", "per_page"):
                values = self.values(row.name) or [mine.default]
                pairs += [(row.name, value) for value in values]
        query = Query(pairs, self.parameters.orders)
        return query.without("period") if self.get("from") or self.get("to") else query

    def encode(self) -> str:
        """Return the query string, without the question mark."""
        return self._encoded

    @cached_property
    def _encoded(self) -> str:
        return urlencode(self.pairs)

    def url(self, path: str) -> str:
        """Append it to a path."""
        encoded = self.encode()
        return f"{path}?{encoded}" if encoded else path

    def data(self) -> QueryDict:
        """Return what a form reads."""
        return QueryDict(self.encode())

    def _of(self, pairs: Iterable[tuple[str, str]]) -> Self:
        return type(self)(pairs, self.parameters, self.refused)
