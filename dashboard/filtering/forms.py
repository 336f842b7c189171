"""The query string as a form: read once, into a frozen OrderFilter."""

from typing import Any

from django import forms

from dashboard.filtering.order_filter import OrderFilter
from dashboard.filtering.query import Query


class FilterForm(forms.Form):
    """Reads a query string by the rows of its parameters."""

    def __init__(self, query: Query, me: str = "") -> None:
        """``me`` is the user name of whoever looks."""
        super().__init__(query.data())
        self.query, self.me = query, me
        self.fields = {row.name: row.make_field() for row in query.parameters}

    def clean(self) -> dict[str, Any]:
        """Fill in defaults, and check that the range of days does not end before it begins."""
        values: dict[str, Any] = self.cleaned_data
        for name, reason in self.query.refused.items():
            self.add_error(name or None, reason)
        first, last = values.get("from"), values.get("to")
        if first and last and first > last:
            self.add_error("to", "“To” lies before “From”.")
        for row in self.query.parameters:
            default = self.query.default_of(row.name)
            if default and not values.get(row.name):
                values[row.name] = default
        if not values.get("view"):
            # Names find orders of every view.
            named = values.get("order") or values.get("pasted")
            values["view"] = "all" if named else "open"
        if values.get("count") == "attempts":
            values["date"] = "first"  # no later attempt moves it
        return values

    @property
    def asked(self) -> OrderFilter:
        """Return the OrderFilter of a valid form."""
        return OrderFilter(self.query, self.cleaned_data, self.me)
