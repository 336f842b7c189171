"""axe finds nothing on any page, in either scheme, wide and narrow."""

from typing import Any

import pytest

from tests.browser.axe import assert_nothing_found

PAGES = {
    "list": "/orders/?per_page=25",
    "filtered": "/orders/?q=timeout&period=30d&order=1,2,3",
    "nothing": "/orders/?q=zzz",
    "status": "/status/",
    "wrong": "/orders/?from=2026-11-31&page=x",
    "errors": "/errors/?period=30d&per_page=25",
    "error": "a.signature",
    "trends": "/trends/?by=error",
    "order": ".order-name",
}


@pytest.mark.parametrize("width", [390, 1440])
def test_axe_finds_nothing(width: int, open_page: Any) -> None:
    page = open_page("/", width=width)
    for name, path in PAGES.items():
        if path.startswith("/"):
            page.goto(path)
        else:  # from the page before, or from the list
            if name == "order":
                page.goto("/orders/?per_page=25")
            # Menus that stand open lie over the link.
            page.goto(page.locator(path).first.get_attribute("href"))
        assert_nothing_found(page)


def test_axe_finds_nothing_at_the_sign_in(chromium: Any, site: str) -> None:
    context = chromium.new_context(base_url=site)
    page = context.new_page()
    page.goto("/login/")
    assert_nothing_found(page)
    context.close()
