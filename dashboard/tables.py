"""The table of orders: columns, sorting, paging. Its cells are drawn by a row's template."""

from typing import Any

import django_tables2 as tables
from django.core.paginator import Paginator

from reconciler.service import FailedOrderQuerySet


class ClampingPaginator(Paginator):  # type: ignore[type-arg]
    """A page past the end is the last page."""

    def validate_number(self, number: Any) -> int:
        """Take the last page for any larger number."""
        return min(int(number), self.num_pages)


class SortColumn(tables.Column):
    """A column that the query set sorts by its name in the query string."""

    def __init__(self, sort: str, *, latest_first: bool = False, **kwargs: Any) -> None:
        super().__init__(accessor="pk", initial_sort_descending=latest_first, **kwargs)
        self.sort = sort

    def order(
        self, queryset: FailedOrderQuerySet, is_descending: bool
    ) -> tuple[FailedOrderQuerySet, bool]:
        """Sort nulls last, and naturally where names are sorted."""
        return queryset.sorted_by(f"-{self.sort}" if is_descending else self.sort), True


class OrdersTable(tables.Table):
    """Columns are named as in `sort` and `data-column`."""

    order = SortColumn("order", verbose_name="Order")
    shop = SortColumn("shop", verbose_name="Shop")
    error = SortColumn("error", verbose_name="Error")
    attempts = SortColumn("attempts", verbose_name="Attempts", latest_first=True)
    created = SortColumn("created", verbose_name="Created", latest_first=True)
    first = SortColumn("first", verbose_name="First attempt", latest_first=True)
    failed = SortColumn("failed", verbose_name="Last failed", latest_first=True)
    expires = SortColumn("expires", verbose_name="Expires")
