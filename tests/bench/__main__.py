"""`make bench`: ratios against plain SQL and plain JSON, both sides in one run.

Values are compared before anything is timed. Times are medians. Cold means that no figure was
kept from an earlier request; SQLite's page cache and compiled templates are warm in either case.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.tools import ROOT

directory = Path(tempfile.mkdtemp(prefix="bench-"))
RUNS = (("backfill",), ("orders_list",), ("figures", "10000"), ("figures", "1000000"))
for bench, *arguments in RUNS:
    ledger = f"ledger{''.join(arguments)}.sqlite3"
    environment = {
        **os.environ,
        "ENV_FILE": os.devnull,
        "DATABASE_URL": f"sqlite:///{directory / ledger}",
        "DJANGO_SETTINGS_MODULE": "reconciler.settings",
        "HOTWAX_FRESH_SECONDS": "3600",
    }
    command = [sys.executable, "-m", f"tests.bench.{bench}", *arguments]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
