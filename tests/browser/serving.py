"""The real thing: the web server over a ledger filled from the demo. Knows no Django itself."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from reconciler.demo.data import History
from reconciler.demo.server import Demo
from tests.clock import NOW, of_processes
from tests.processes import environment_in
from tests.shared import free_port, manage, serve

ROOT = Path(__file__).resolve().parents[2]
#: Debian's chromium; of its two, the one without a window takes two thirds of the time.
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: Milliseconds that a slow machine may take over anything a page is to show.
PATIENCE = 30_000


@dataclass(frozen=True)
class Site:
    """A dashboard that is being served: its address, its ledger's file, and its process."""

    url: str
    database: Path
    pid: int
    environment: dict[str, str]


@cache
def signed_in(chromium: Any, url: str, user: str = "agent") -> Any:
    """Sign in once at a site; the cookies are for new contexts (`storage_state`)."""
    context = chromium.new_context(base_url=url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/login/")
    page.get_by_role("button", name=user).click()
    page.wait_for_url("**/orders/")
    state = context.storage_state()
    context.close()
    return state


class Pages:
    """Pages of people who are signed in at a site.

    A context costs a second of a processor, so that tests share one for each person. Between tests
    its pages are closed and its cookies are as after the sign-in. With options of a context a page
    has one of its own.
    """

    def __init__(self, chromium: Any, url: str) -> None:
        self._chromium, self._url = chromium, url
        self._shared: dict[str, Any] = {}
        self._own: list[Any] = []
        self._problems: list[str] = []

    def open(
        self, path: str = "/orders/", user: str = "agent", width: int = 1440, **options: Any
    ) -> Any:
        """Open a page."""
        if options:
            context = self._context(user, **options)
            self._own.append(context)
        else:
            context = self._shared.get(user) or self._context(user)
            self._shared[user] = context
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": 900})
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self._problems.append(str(error)))
        page.on("console", self._note)
        page.goto(path)
        return page

    def end_test(self) -> None:
        """Close what a test opened; anything that a page logged as an error fails it."""
        while self._own:
            self._own.pop().close()
        for user, context in self._shared.items():
            for page in context.pages:
                page.close()
            context.clear_cookies()
            context.add_cookies(signed_in(self._chromium, self._url, user)["cookies"])
        problems, self._problems = self._problems, []
        assert not problems, problems

    def _context(self, user: str, **options: Any) -> Any:
        cookies = signed_in(self._chromium, self._url, user)
        return self._chromium.new_context(
            **{"base_url": self._url, "storage_state": cookies, **options}
        )

    def _note(self, message: Any) -> None:
        # A page that says what is wrong with a filter is answered with 400 on purpose.
        # htmx calls a request that a newer one replaced an error.
        wanted = ("status of 400", "htmx:sendAbort", "htmx:afterRequest")
        if message.type == "error" and not any(words in message.text for words in wanted):
            self._problems.append(f"{message.text} {message.location}")


@contextmanager
def served(orders: int = 900, *, load: bool = True) -> Iterator[str]:
    """Serve the dashboard over a demo whose clock stands still."""
    with site_of(orders, load=load) as site:
        yield site.url


@contextmanager
def site_of(orders: int, *, load: bool = True) -> Iterator[Site]:
    """Serve the dashboard, with what lies behind it at hand."""
    start = NOW - timedelta(minutes=20)
    server = Demo(History(start, orders=orders), clock=lambda: NOW)
    serve(server)
    directory = Path(tempfile.mkdtemp(prefix="reconciler-"))
    port = free_port()
    environment = {
        **environment_in(directory),
        **of_processes(NOW),
        "DEMO_PORT": str(server.server_address[1]),
        "PORT": str(port),
        "HOTWAX_URL": "",
    }
    manage(environment, "migrate", "-v0")  # makes the demo's accounts
    if load:
        manage(environment, "sync")
    command = [sys.executable, "manage.py", "web"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        _wait_for(f"http://127.0.0.1:{port}/livez")
        database = Path(environment["DATABASE_URL"][10:])
        yield Site(f"http://127.0.0.1:{port}", database, process.pid, environment)
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
