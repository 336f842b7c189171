"""The real thing: the web server over a ledger filled from the demo. Knows no Django itself."""

import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx

from reconciler.demo.data import History
from reconciler.demo.server import Demo
from tests import shared
from tests.clock import NOW, of_processes
from tests.shared import free_port, manage

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


@dataclass(frozen=True)
class Site:
    """A dashboard that is being served: its address, its ledger's file, and its process."""

    url: str
    database: Path
    pid: int
    environment: dict[str, str]


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
    threading.Thread(target=server.serve_forever, daemon=True).start()
    directory = Path(tempfile.mkdtemp(prefix="reconciler-"))
    port = free_port()
    environment = {
        **shared.of_processes(directory),
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
