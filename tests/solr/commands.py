"""Commands of ours, run against a gateway and a database."""

import os
import subprocess
import sys
from pathlib import Path

from tests.clock import of_processes
from tests.solr.rig import Gateway

ROOT = Path(__file__).resolve().parents[2]


def environment(gateway: Gateway, database: str) -> dict[str, str]:
    return {
        **os.environ,
        **of_processes(),
        "HOTWAX_URL": gateway.url,
        "DATABASE_URL": database,
        "ENV_FILE": os.devnull,
        "DJANGO_SETTINGS_MODULE": "reconciler.settings",
    }


def manage(gateway: Gateway, database: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=environment(gateway, database),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
