"""The tables: columns, sorting, paging. Their cells are drawn by a row's template."""

from typing import Any

import django_tables2 as tables
from django.core.paginator import Paginator
from django_tables2.data import TableListData

from dashboard.filtering.parameters import COLUMN_NAMES, ERROR_SORTS
from reconciler.service import ErrorRow, FailedOrderQuerySet


class ClampingPaginator(Paginator):  # type: ignore[type-arg]
    """A paginator on which a page past the end is the last page.

    ``known`` is the number of objects, if it was counted before.
    """

    def __init__(self, *args: Any, known: int | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if known is not None:
            self.count = known

    def validate_number(self, number: Any) -> int:
        """Take the last page for any larger number."""
        return min(int(number), self.num_pages)


class SortColumn(tables.Column):
    """A column that the query set sorts by its name in the query string."""

    def __init__(self, sort: str, *, latest_first: bool = False, **kwargs: Any) -> None:
        name = COLUMN_NAMES[sort]
        super().__init__(
            accessor="pk", verbose_name=name, initial_sort_descending=latest_first, **kwargs
        )
        self.sort = sort

    def order(
        self, queryset: FailedOrderQuerySet, is_descending: bool
    ) -> tuple[FailedOrderQuerySet, bool]:
        """Sort nulls last, and naturally where names are sorted."""
        return queryset.sorted_by(f"-{self.sort}" if is_descending else self.sort), True


class PagedTable(tables.Table):
    """A table whose rows are drawn by a template of templates/repeated/."""

    @property
    def records(self) -> list[Any]:
        """Return what the rows of this page show."""
        return list(self.paginated_rows.data)

    @property
    def all_records(self) -> list[Any]:
        """Return what the rows of all pages show."""
        return list(self.rows.data)


class OrdersTable(PagedTable):
    """Columns are named as in `sort` and `data-column`."""

    select = tables.Column(accessor="pk", orderable=False, verbose_name="Select")
    order = SortColumn("order")
    shop = SortColumn("shop")
    error = SortColumn("error")
    attempts = SortColumn("attempts", latest_first=True)
    created = SortColumn("created", latest_first=True)
    first = SortColumn("first", latest_first=True)
    failed = SortColumn("failed", latest_first=True)
    expires = SortColumn("expires")
    verdict = SortColumn("verdict")
    state = SortColumn("state")
    assignee = SortColumn("assignee")


class ErrorRows(TableListData):
    """Rows of signatures, sorted as orders are: nulls last, ties by id in the same direction."""

    data: list[ErrorRow]

    def order_by(self, aliases: Any) -> None:
        """Sort by the first alias; there is one."""
        for alias in aliases[:1]:
            attribute, down = ERROR_SORTS[alias.lstrip("-")], alias.startswith("-")
            self.data.sort(key=lambda row: row.signature.pk, reverse=down)
            known = [row for row in self.data if getattr(row, attribute) is not None]
            nulls = [row for row in self.data if getattr(row, attribute) is None]
            known.sort(key=lambda row: getattr(row, attribute), reverse=down)
            self.data[:] = [*known, *nulls]


def _number(title: str) -> tables.Column:
    return tables.Column(verbose_name=title, initial_sort_descending=True)


class ErrorsTable(PagedTable):
    """Columns are named as in the `sort` of /errors/ and `data-column`."""

    error = tables.Column(accessor="sort_key", verbose_name="Error")
    label = tables.Column(verbose_name="Label", orderable=False)
    orders = _number("Orders")
    open = _number("Open")
    missing = _number("Missing")
    stores = tables.Column(accessor="shops", verbose_name="Shops", initial_sort_descending=True)
    attempts = _number("Attempts")
    change = _number("Change")
    trend = tables.Column(accessor="signature", orderable=False)
    last_seen = tables.Column(
        accessor="last_seen_at", verbose_name="Last seen", initial_sort_descending=True
    )
    first_seen = tables.Column(
        accessor="first_seen_at", verbose_name="First seen", initial_sort_descending=True
    )
    retry = tables.Column(accessor="signature", verbose_name="What to do", orderable=False)

    @classmethod
    def of(cls, rows: list[ErrorRow], sort: str) -> "ErrorsTable":
        """Sort rows into a table."""
        return cls(ErrorRows(rows), order_by=sort)
