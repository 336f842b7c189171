"""Debian's chromium over the real thing, and pages of somebody signed in."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.serving import ARGUMENTS, CHROMIUM, PATIENCE, Pages, served
from tests.conftest import missing


@pytest.fixture(scope="package")
def site() -> Iterator[str]:
    if not CHROMIUM:
        missing("Debian's chromium is needed for the tests in a browser")
    with served() as url:
        yield url


@pytest.fixture(scope="package")
def chromium(site: str) -> Iterator[Any]:
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def pages(chromium: Any, site: str) -> Pages:
    return Pages(chromium, site)


@pytest.fixture
def open_page(pages: Pages) -> Iterator[Callable[..., Any]]:
    """Open a page of an agent."""
    yield pages.open
    pages.end_test()


@pytest.fixture
def page(open_page: Callable[..., Any]) -> Any:
    return open_page()
