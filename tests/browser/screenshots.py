"""`make screenshots`: the README's pictures, from the demo, with Debian's chromium."""

from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.serving import ARGUMENTS, CHROMIUM, site_of
from tests.shared import manage

PICTURES = Path(__file__).resolve().parents[2] / "static" / "img"


def main() -> None:
    """Take the list, an order and the trends, at 1440 pixels."""
    with site_of(3000) as site, sync_playwright() as playwright:
        manage(site.environment, "verdicts")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1440, "height": 900}, base_url=site.url)
        page.goto("/login/")
        page.get_by_role("button", name="agent").click()
        page.goto("/orders/?period=30d")
        page.screenshot(path=PICTURES / "orders.png")
        page.goto("/orders/?view=failing&sort=-attempts")
        page.locator(".order-name").first.click()
        page.locator("#error-text").wait_for()
        page.screenshot(path=PICTURES / "order.png")
        page.goto("/trends/")
        page.screenshot(path=PICTURES / "trends.png")
        browser.close()


if __name__ == "__main__":
    main()
