"""Jinja2 for the fragments that a page draws hundreds of times: rows, facet values, charts.

A page of 50 orders draws thousands of tags. Jinja2 compiles a fragment to Python and draws it in
about a third of the time of Django's engine (README, "Dependencies"). Everything else is Django's.
"""

import re
from typing import Any

from django.template import Context, engines
from django.utils.safestring import SafeString, mark_safe
from jinja2 import Environment, StrictUndefined
from jinja2.ext import Extension

from dashboard import wording
from dashboard.links import chosen_links, error_link, list_link, order_link, with_value
from dashboard.marks import (
    advice,
    category,
    hue,
    icon,
    label,
    slots,
    time_ago,
    time_day,
    time_of_span,
)
from reconciler import service


def environment(**options: Any) -> Environment:
    """Return the environment that settings.TEMPLATES names."""
    env = Environment(  # noqa: S701 - Django's backend sets autoescape
        **{**options, "undefined": StrictUndefined, "trim_blocks": True}
    )
    env.add_extension(WithoutIndentation)
    env.globals.update(
        advice=advice,
        ago=wording.ago,
        category=category,
        chosen_links=chosen_links,
        clock=wording.clock,
        error_link=error_link,
        day_and_clock=wording.day_and_clock,
        hue=hue,
        icon=icon,
        label=label,
        link_of=service.link_of,
        list_link=list_link,
        order_link=order_link,
        short_day=wording.short_day,
        slots=slots,
        time_ago=time_ago,
        time_day=time_day,
        time_of_span=time_of_span,
        urgency=wording.urgency,
        with_value=with_value,
    )
    env.filters.update(
        cut=wording.cut,
        number=wording.number,
        plural=wording.plural_end,
        without_shopify=wording.without_shopify,
    )
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
