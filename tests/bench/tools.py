"""What the benches share: a HotWax in a process of its own, medians, memory."""

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
#: How many orders the ledger holds.
ORDERS = int(os.environ.get("BENCH_ORDERS", "100000"))

_SERVER = """
import sys, threading
from datetime import UTC, datetime
from reconciler.demo.data import History
from reconciler.demo.server import Demo
now = datetime.now(UTC).replace(microsecond=0)
server = Demo(History(now, orders=int(sys.argv[1])), clock=lambda: now)
print(server.url, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
"""


@contextmanager
def hotwax(orders: int) -> Iterator[str]:
    """Serve a demo of so many orders, its clock standing still."""
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(orders)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def median(function: Callable[[], Any], rounds: int = 15) -> float:
    """Median seconds of a call, after one that does not count."""
    function()
    spans = []
    for _ in range(rounds):
        began = time.perf_counter()
        function()
        spans.append(time.perf_counter() - began)
    return statistics.median(spans)


class Memory:
    """Notes the process's resident memory, in MiB, four times a second."""

    def __enter__(self) -> "Memory":
        self.found: list[int] = []
        self._stop = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def _watch(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE")
        while not self._stop.wait(0.25):
            resident = int(Path("/proc/self/statm").read_text().split()[1])
            self.found.append(resident * page // 2**20)
