"""Jinja2 for the fragments that hold most tags of a page: rows and heads of tables, facets, charts.

A page of 50 orders draws thousands of tags. Jinja2 compiles a fragment to Python and draws it in
about a third of the time of Django's engine (README). Everything else is Django's.
"""

import re
from collections.abc import Callable
from typing import Any

from django.template import Context, engines
from django.utils.safestring import SafeString, mark_safe
from jinja2 import Environment, StrictUndefined
from jinja2.ext import Extension

from dashboard import badges, marks, wording
from dashboard.facet_values import facet_items
from dashboard.links import (
    error_link,
    links_with,
    list_link,
    order_link,
    urls_with,
    with_value,
)
from reconciler import service


def environment(**options: Any) -> Environment:
    """Return the environment that settings.TEMPLATES names."""
    env = Environment(  # noqa: S701 - Django's backend sets autoescape
        **{**options, "undefined": StrictUndefined, "trim_blocks": True}
    )
    env.add_extension(WithoutIndentation)
    env.globals.update(links_with=links_with, unknown=marks.UNKNOWN, urls_with=urls_with)
    # As filters: Jinja2 calls a filter directly, a function by way of the context, at thrice the
    # price.
    filters: tuple[Callable[..., Any], ...] = (
        error_link,
        facet_items,
        list_link,
        order_link,
        with_value,
        service.link_of,
        badges.owner,
        badges.state_lines,
        badges.verdict_lines,
        marks.advice,
        marks.ago_lines,
        marks.attempts_lines,
        marks.bar_cell,
        marks.change_cell,
        marks.counted,
        marks.day_lines,
        marks.error_cell,
        marks.expiry_lines,
        marks.hue,
        marks.icon,
        marks.label,
        marks.number_cells,
        marks.slots,
        marks.sparkline,
        marks.sparkline_rows,
        marks.stack_bars,
        marks.time_day,
        marks.time_of_span,
        marks.two_lines,
        wording.ago,
        wording.cut,
        wording.number,
        wording.signed,
        wording.without_shopify,
    )
    env.filters.update({function.__name__: function for function in filters})
    return env


class WithoutIndentation(Extension):
    """Leaves out the indentation of templates: it would be sent with each row."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Return the source without white space at the beginning of its lines."""
        return re.sub(r"^[ \t]+", "", source, flags=re.MULTILINE)


def draw(context: Context, name: str, **more: Any) -> SafeString:
    """Draw a fragment of templates/repeated/ with the context of a page, and more."""
    template = engines["repeated"].get_template(name)
    page: dict[str, Any] = context.flatten()  # type: ignore[assignment]
    return mark_safe(template.render({**page, **more}))  # noqa: S308 - Jinja2 escaped it
