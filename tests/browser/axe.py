"""What axe finds on a page, in either scheme."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe

#: What axe finds right need not be written down: pages have thousands of elements.
VIOLATIONS = {"resultTypes": ["violations"]}
#: In the dark only colours differ.
COLOURS = {
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
    **VIOLATIONS,
}
#: Values of a facet, and numbers of a chart, differ in nothing but words.
SHORTEN = """
for (const rows of document.querySelectorAll(".facet ul, [data-chart] tbody"))
    [...rows.children].slice(8).forEach(row => row.remove());
"""
#: Colours change slowly; axe looks at those at the end.
SETTLE = """
for (const change of document.getAnimations())
    if (change instanceof CSSTransition) change.finish();
"""


def assert_nothing_found(page: Any) -> None:
    """Open every menu and let axe look."""
    page.evaluate(SHORTEN)
    page.evaluate("document.querySelectorAll('details').forEach(menu => { menu.open = true })")
    for scheme, options in (("light", VIOLATIONS), ("dark", COLOURS)):
        page.emulate_media(color_scheme=scheme)
        page.evaluate(SETTLE)
        results = Axe().run(page, options=options)
        assert results.violations_count == 0, f"{page.url}\n{results.generate_report()}"
