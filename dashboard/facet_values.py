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
        state = "is-on" if is_on else "is-out" if is_out else ""
        drawn.append(_item(facet, one, choose, leave_out, state))
    return SafeString("".join(drawn))


def _item(facet: FacetOnPage, one: FacetValue, choose: str, leave_out: str, state: str) -> str:
    name, is_out = facet.name, state == "is-out"
    value, cut = escape(one.value), wording.cut(one.text, 120)
    classes = f"facet__value {state}".strip()
    later = "" if one.value in facet.at_once else " is-later"
    known = f"{one.text}: {one.more}" if one.more not in ("", one.text) else one.text
    told = f'<span class="sr-only">, {"left out" if is_out else "on"}</span>' if state else ""
    disc = f'<i class="hue {escape(hue(one.value))}"></i>' if name == "category" else ""
    leaving = "No longer leave out" if is_out else "Leave out"
    return f"""<li class="facet__item{later}">
<a class="{classes}" id="facet-{name}-{value}" {list_link(choose)} \
data-value="{value}" data-count="{one.count}">
<span class="box" aria-hidden="true">{icon("x" if is_out else "check")}</span>
{disc}<span class="facet__text" title="{escape(wording.cut(known, 300))}">\
{slots(wording.without_shopify(cut))}</span>
<span class="facet__count">{one.count:,}</span>{told}
</a>
<a class="facet__not" id="facet-{name}-not-{value}" {list_link(leave_out)} title="{leaving}">
{icon("stop", small=True)}<span class="sr-only">{leaving} {escape(cut)}</span>
</a>
</li>
"""
