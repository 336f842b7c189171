"""Debian's chromium over the real thing, and pages of somebody signed in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.serving import ARGUMENTS, CHROMIUM, served
from tests.conftest import missing


@pytest.fixture(scope="package")
def site() -> Iterator[str]:
    if not Path(CHROMIUM).exists():
        missing("Debian's chromium is needed for the tests in a browser")
    with served() as url:
        yield url


@pytest.fixture(scope="package")
def chromium(site: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_context(chromium: Any, site: str) -> Iterator[Any]:
    """Make signed-in pages; anything that a page logs as an error fails the test."""
    contexts: list[Any] = []
    problems: list[str] = []

    def make(**options: Any) -> Any:
        context = chromium.new_context(
            **{"viewport": {"width": 1440, "height": 900}, "base_url": site, **options}
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "console",
            lambda message: (
                problems.append(message.text)
                # A page that says what is wrong with a filter is answered with 400 on purpose.
                if message.type == "error" and "status of 400" not in message.text
                else None
            ),
        )
        page.goto("/login/")
        page.get_by_role("button", name="agent").click()
        page.wait_for_url("**/orders/")
        return page

    yield make
    for context in contexts:
        context.close()
    assert not problems


@pytest.fixture
def page(open_context: Any) -> Any:
    return open_context()
