"""`python -m tests.bench.load [browsers] [minutes]`: people at work beside attackers.

Serves the dashboard as the Procfile does, over a ledger of 3,000 orders with its watcher. Each
browser opens a page, reads for some seconds, and clicks on. Beside them, connections that send
their headers byte by byte, and others that send a request line without end. Prints what went
wrong for the browsers, their waiting times, and the memory of web and watcher; exits 1 on any
error.
"""

import asyncio
import os
import random
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from tests.browser.serving import Site, site_of
from tests.shared import ROOT

PAGES = (
    "/orders/",
    "/orders/?view=all&page=2",
    "/orders/?view=all&period=30d&q=timeout",
    "/orders/?view=needs&category=mapping",
    "/orders/?view=all&sort=order",
    "/errors/",
    "/trends/",
    "/status/",
)
READING_SECONDS = (20, 60)
SLOW, LONG = 60, 8


class Figures:
    """What the browsers met with; waits in seconds."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.errors: list[str] = []


async def browse(url: str, end: float, figures: Figures) -> None:
    choose = random.Random(id(asyncio.current_task()))
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as client:
        await asyncio.sleep(choose.uniform(0, READING_SECONDS[1]))
        form = (await client.get("/login/")).text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
        fields = {"username": "agent", "password": "agent", "csrfmiddlewaretoken": token[1]}  # type: ignore[index]
        await client.post("/login/", data=fields)
        while time.monotonic() < end:
            began = time.monotonic()
            try:
                answer = await client.get(choose.choice(PAGES))
                if answer.status_code != 200:
                    figures.errors.append(str(answer.status_code))
            except httpx.HTTPError as error:
                figures.errors.append(repr(error))
            figures.waits.append(time.monotonic() - began)
            await asyncio.sleep(choose.uniform(*READING_SECONDS))


def drip(address: tuple[str, int], done: threading.Event) -> None:
    while not done.is_set():
        with suppress(OSError), socket.create_connection(address, timeout=60) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
            while not done.wait(1):
                client.sendall(b"a")


def flood(address: tuple[str, int], done: threading.Event) -> None:
    block = b"a" * 65536
    while not done.wait(0.5):
        with suppress(OSError), socket.create_connection(address, timeout=10) as client:
            client.sendall(b"GET /?q=")
            for _ in range(640):
                client.sendall(block)


@contextmanager
def attacked(site: Site) -> Iterator[None]:
    host, port = site.url.removeprefix("http://").split(":")
    address, done = (host, int(port)), threading.Event()
    attackers = [threading.Thread(target=drip, args=(address, done)) for _ in range(SLOW)]
    attackers += [threading.Thread(target=flood, args=(address, done)) for _ in range(LONG)]
    for attacker in attackers:
        attacker.start()
    try:
        yield
    finally:
        done.set()
        for attacker in attackers:
            attacker.join()


def memory(pid: int) -> int:
    """Memory in use by a process, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) // 1024  # type: ignore[index]


@contextmanager
def watching(site: Site) -> Iterator[int]:
    command = [sys.executable, "manage.py", "sync", "--watch"]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **site.environment})
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


async def work(site: Site, browsers: int, minutes: float, watcher: int, figures: Figures) -> None:
    end = time.monotonic() + minutes * 60
    people = [asyncio.create_task(browse(site.url, end, figures)) for _ in range(browsers)]
    while not all(person.done() for person in people):
        sizes = f"web {memory(site.pid)} MB, watcher {memory(watcher)} MB"
        print(f"{len(figures.waits)} pages, {len(figures.errors)} errors, {sizes}", flush=True)
        await asyncio.wait(people, timeout=60)
    await asyncio.gather(*people)


def main() -> int:
    browsers = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    minutes = float(sys.argv[2]) if len(sys.argv) > 2 else 10
    figures = Figures()
    with site_of(3000) as site, watching(site) as watcher, attacked(site):
        asyncio.run(work(site, browsers, minutes, watcher, figures))
    waits = sorted(figures.waits)
    for percent in (50, 95, 99):
        print(f"p{percent}: {waits[len(waits) * percent // 100] * 1000:,.0f} ms")
    print(f"{len(waits)} pages, longest {waits[-1]:.1f} s, errors: {figures.errors[:5] or 'none'}")
    return 1 if figures.errors else 0


if __name__ == "__main__":
    sys.exit(main())
