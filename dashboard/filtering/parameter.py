"""What a name of the query string is: all that the form, chips, facets, links and exports read."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from django import forms

from dashboard.filtering.fields import LONGEST_VALUE
from reconciler.service import Facet


@dataclass(frozen=True)
class Parameter:
    """A name of the query string."""

    name: str
    #: What people call it, on a chip and beside its field.
    label: str
    #: Makes the form field that reads it.
    make_field: Callable[[], forms.Field]
    #: What is meant where it is absent; links leave this value out.
    default: str = ""
    #: View -> what is meant there where it is absent, if that differs.
    default_in: Mapping[str, str] = field(default_factory=dict)
    #: It may be repeated: or within a name, `!value` excludes.
    repeatable: bool = False
    #: Narrows orders by its value: takes the query set and what the field returned. Of a
    #: repeatable name it takes a list of values and ``exclude``.
    method: Callable[..., Any] | None = None
    #: ``method`` narrows attempts too.
    narrows_attempts: bool = False
    #: How orders are counted by its values.
    facet: Facet | None = None
    #: Values written otherwise than its facet has them -> as the facet has them.
    in_facet: Callable[[Iterable[str]], Mapping[str, str]] = lambda _: {}
    #: Words of its values, where these are not what people read.
    words: Callable[[Iterable[str]], Mapping[str, str]] = lambda _: {}
    #: The filter form shows no field for it, and so carries it along.
    carried: bool = False
    #: It belongs to what "Clear all" removes.
    is_filter: bool = True
    #: A longer value is refused, and not repeated on the page.
    longest: int = LONGEST_VALUE


@dataclass(frozen=True)
class Parameters:
    """The rows of a page, in the order in which links write them."""

    rows: tuple[Parameter, ...]
    #: Those of the list that holds the orders which this page counts; None if it is that list.
    orders: "Parameters | None" = None
    by_name: Mapping[str, Parameter] = field(init=False)
    #: A parameter's number among the rows, by its name.
    places: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {row.name: row for row in self.rows})
        object.__setattr__(self, "places", {row.name: n for n, row in enumerate(self.rows)})

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self.rows)

    @property
    def facets(self) -> dict[str, Facet]:
        """Return the facets by name."""
        return {row.name: row.facet for row in self.rows if row.facet}

    def counting(self, *more: Parameter, without: Iterable[str] = (), **defaults: str) -> Self:
        """Return the parameters of a page that counts the orders of this list.

        Leaves out those named in ``without``, adds ``more`` at the end, and sets other defaults.
        """
        gone = {*without, *(row.name for row in more)}
        rows = []
        for row in self.rows:
            if row.name == "view":  # a tab of the list, but a filter of what is counted
                rows.append(replace(row, default=defaults[row.name], is_filter=True))
            elif row.name not in gone:
                rows.append(replace(row, default=defaults.get(row.name, row.default)))
        return replace(self, rows=(*rows, *more), orders=self)
