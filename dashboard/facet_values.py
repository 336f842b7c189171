"""The values of a facet, as items of a list.

A page has hundreds of them. Jinja2 calls a function for each expression, and takes thrice as long
to draw them.
"""

from collections.abc import Iterable

from django.utils.safestring import SafeString
from markupsafe import escape

from dashboard import wording
from dashboard.filtering.query import Query
from dashboard.links import list_link
from dashboard.list_page import FacetOnPage
from dashboard.marks import hue, icon, slots
from reconciler.service import FacetValue


def facet_items(
    values: Iterable[FacetValue], query: Query, path: str, facet: FacetOnPage
) -> SafeString:
    """Draw each value with two links: one chooses it, one leaves it out.

    Where it is chosen already, or left out, the same link takes that back.
    """
    name = facet.name
    include, exclude = set(facet.chosen.include), set(facet.chosen.exclude)
    adding = query.adding(name)
    drawn = []
    for one in values:
        written = facet.written.get(one.value) or {one.value}
        is_on, is_out = not include.isdisjoint(written), not exclude.isdisjoint(written)
        choose, leave_out = f"{path}?{adding(one.value)}", f"{path}?{adding(f'!{one.value}')}"
        if is_on or is_out:
            rest = [v for v in query.values(name) if v.removeprefix("!") not in written]
            nothing = query.with_(name, *rest).url(path)
            choose = nothing if is_on else query.with_(name, *rest, one.value).url(path)
            leave_out = nothing if is_out else query.with_(name, *rest, f"!{one.value}").url(path)
        drawn.append(_item(name, one, choose, leave_out, is_on=is_on, is_out=is_out))
    return SafeString("".join(drawn))


def _item(
    name: str, one: FacetValue, choose: str, leave_out: str, *, is_on: bool, is_out: bool
) -> str:
    value, cut = escape(one.value), wording.cut(one.text, 120)
    state = " is-on" if is_on else " is-out" if is_out else ""
    told = f'<span class="sr-only">, {"on" if is_on else "left out"}</span>' if state else ""
    disc = f'<i class="hue {escape(hue(one.value))}"></i>' if name == "category" else ""
    leaving = "No longer leave out" if is_out else "Leave out"
    return f"""<li class="facet__item">
<a class="facet__value{state}" id="facet-{name}-{value}" {list_link(choose)} \
data-value="{value}" data-count="{one.count}">
<span class="box" aria-hidden="true">{icon("x" if is_out else "check")}</span>
{disc}<span class="facet__text" title="{escape(wording.cut(one.text, 300))}">\
{slots(wording.without_shopify(cut))}</span>
<span class="facet__count">{one.count:,}</span>{told}
</a>
<a class="facet__not" id="facet-{name}-not-{value}" {list_link(leave_out)} title="{leaving}">
{icon("stop", small=True)}<span class="sr-only">{leaving} {escape(cut)}</span>
</a>
</li>
"""
