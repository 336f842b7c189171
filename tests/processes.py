"""Processes of ours as tests start them: settings, static files, and a migrated database."""

import os
from pathlib import Path

from tests.databases import copy_of_file
from tests.shared import FOLDER, manage, once


def environment_in(folder: Path) -> dict[str, str]:
    """Environment of processes whose database and cache are in a folder."""
    environment = {
        **os.environ,
        "ENV_FILE": os.devnull,
        "DJANGO_SETTINGS_MODULE": "tests.settings_of_processes",
        "TEST_STATIC_ROOT": str(FOLDER / "static"),
        "TEST_VAR": str(folder),
    }
    once("static", lambda path: manage(environment, "collectstatic", "--noinput", "-v0"))
    return {
        **environment,
        "DATABASE_URL": copy_of_file(folder / "ledger.sqlite3"),
        "CACHE_URL": f"filecache://{folder / 'cache'}",
    }
