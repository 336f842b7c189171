"""Datasette over the same file, with facets of the same columns, as one contestant more.

It runs as a process of its own, in an environment of its own: `make bench` makes it from
requirements-bench.txt. What a page costs is read from the process.
"""

import http.client
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.bench.tools import ROOT
from tests.shared import free_port

PROGRAM = ROOT / ".venv" / "bench" / "bin" / "datasette"
QUERY = [
    ("_sort_desc", "last_failed_at"),
    ("_size", "50"),
    *(("_facet", column) for column in ("signature_id", "shop_id", "state")),
]
#: Milliseconds that a facet may take; by default Datasette gives up after 200.
PATIENCE = 60_000
TIMES = 5


@contextmanager
def datasette(database: Path) -> Iterator[Callable[[], float]]:
    """Serve a database; yield what asks for the page, and returns milliseconds of the processor.

    The processor's time is told in hundredths of a second, so the page is asked for several times.
    """
    port = free_port()
    limits: list[tuple[str, Any]] = [("sql_time_limit_ms", PATIENCE)]
    limits += [("facet_time_limit_ms", PATIENCE), ("suggest_facets", "off")]
    settings = [word for name, value in limits for word in ("--setting", name, str(value))]
    process = subprocess.Popen(
        [str(PROGRAM), "serve", str(database), "-p", str(port), *settings],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    path = f"/{database.stem}/ledger_failedorder?{urlencode(QUERY)}"

    def get() -> float:
        before = _spent(process.pid)
        for _ in range(TIMES):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("GET", path)
            answer = connection.getresponse()
            page = answer.read()
            assert answer.status == 200, (answer.status, page[:500])
            assert b"facet-results" in page, "no facets"
        return (_spent(process.pid) - before) / TIMES

    try:
        _wait_for(port)
        yield get
    finally:
        process.kill()
        process.wait()


def _spent(pid: int) -> float:
    """Milliseconds of the processor that a process has taken, with all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    ticks: Any = int(fields[11]) + int(fields[12])
    return float(ticks * 1000 / os.sysconf("SC_CLK_TCK"))


def _wait_for(port: int) -> None:
    for _ in range(200):
        try:
            http.client.HTTPConnection("127.0.0.1", port, timeout=5).connect()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("Datasette does not listen.")
