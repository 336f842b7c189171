"""`make bench`: ratios against plain SQL and plain JSON, both sides in one run.

Values are compared before anything is timed. Times are medians. Nothing is kept between two
requests: all numbers are cold, but for SQLite's page cache and compiled templates.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.tools import ROOT

directory = Path(tempfile.mkdtemp(prefix="bench-"))
for bench in ("backfill", "orders_list"):
    environment = {
        **os.environ,
        "ENV_FILE": os.devnull,
        "DATABASE_URL": f"sqlite:///{directory / 'ledger.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": "reconciler.settings",
        "HOTWAX_FRESH_SECONDS": "3600",
    }
    command = [sys.executable, "-m", f"tests.bench.{bench}"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
