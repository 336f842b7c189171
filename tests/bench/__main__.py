"""`make bench`: ratios against plain SQL and plain JSON, and Django's admin, in the same run.

What both sides show is compared before anything is timed. Exits 1 on a miss.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests import postgresql
from tests.bench.ledgers import path_of
from tests.bench.tools import ROOT

BENCHES = (("backfill", 0), ("pages", 10_000), ("pages", 1_000_000), ("work", 1_000_000))
missed = []


def run(bench: str, orders: int, database: str) -> None:
    """Run a bench over a database; note whether it missed a mark."""
    environment = {
        **os.environ,
        "ENV_FILE": os.devnull,
        "DATABASE_URL": database,
        "CACHE_URL": "locmemcache://",
        "DJANGO_SETTINGS_MODULE": "reconciler.settings",
        "HOTWAX_FRESH_SECONDS": "3600",
    }
    command = [sys.executable, "-m", f"tests.bench.{bench}", *([str(orders)] if orders else [])]
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:
        missed.append(bench)


for bench, orders in BENCHES:
    path = path_of(orders) if orders else Path(tempfile.mkdtemp(prefix="bench-")) / "ledger.sqlite3"
    run(bench, orders, f"sqlite:///{path}")
if (folder := postgresql.programs()) is not None:
    with postgresql.running(folder) as url:
        run("pages", 10_000, url)
sys.exit(f"missed: {', '.join(missed)}" if missed else 0)
