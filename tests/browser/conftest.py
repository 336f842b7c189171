"""The real thing: gunicorn over a ledger filled from the demo, and Debian's chromium."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.demo.data import History
from reconciler.demo.server import Demo
from tests.conftest import missing
from tests.solr.rig import free_port

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def served(orders: int = 900, *, load: bool = True) -> Iterator[str]:
    """Serve the dashboard over a demo whose clock stands still."""
    now = datetime.now(UTC).replace(microsecond=0)
    server = Demo(History(now - timedelta(minutes=20), orders=orders), clock=lambda: now)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    directory = Path(tempfile.mkdtemp(prefix="reconciler-"))
    port = free_port()
    environment = {
        **os.environ,
        "ENV_FILE": os.devnull,
        "DEMO_PORT": str(server.server_address[1]),
        "PORT": str(port),
        "DATABASE_URL": f"sqlite:///{directory / 'ledger.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": "reconciler.settings",
        "HOTWAX_URL": "",
    }
    commands = [["migrate", "-v0"], ["collectstatic", "--noinput", "-v0"]]
    for words in [*commands, ["sync"]] if load else commands:
        subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=environment,
            check=True,
            capture_output=True,
        )
    gunicorn = str(Path(sys.executable).with_name("gunicorn"))
    command = [
        gunicorn,
        "reconciler.wsgi",
        "--bind",
        f"127.0.0.1:{port}",
        "--threads",
        "4",
        "--no-control-socket",
        "--log-level",
        "error",
    ]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        _wait_for(f"http://127.0.0.1:{port}/livez")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
        server.shutdown()
        server.server_close()
        shutil.rmtree(directory, ignore_errors=True)


def _wait_for(url: str) -> None:
    for _ in range(100):
        try:
            httpx.get(url, trust_env=False).raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise AssertionError(f"{url} did not come up")


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    if not Path(CHROMIUM).exists():
        missing("Debian's chromium is needed for the tests in a browser")
    with served() as url:
        yield url


@pytest.fixture(scope="session")
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
