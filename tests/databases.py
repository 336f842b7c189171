"""Databases of tests: copies of one that is migrated once a run. To migrate takes 2 s of a core."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from tests.shared import manage, once

#: Address of the PostgreSQL of the second run, with a database that is always there.
SERVER = os.environ.get("TEST_DATABASE_URL")


def migrated_file() -> Path:
    """Return a database file with tables and without rows of a ledger, to be copied."""
    return once("migrated.sqlite3", lambda path: _migrate(f"sqlite:///{path}"))


def copy_of_file(path: Path) -> str:
    """Make a migrated database file; its address."""
    shutil.copy(migrated_file(), path)
    return f"sqlite:///{path}"


def copy_into(memory: sqlite3.Connection) -> None:
    """Fill a database that is in memory."""
    with closing(sqlite3.connect(migrated_file())) as file:
        file.backup(memory)


@contextmanager
def copy_at_server(name: str) -> Iterator[str]:
    """Make a migrated database at the PostgreSQL of the second run, and remove it afterwards."""
    assert SERVER is not None
    once("migrated.postgresql", _make_template)
    with connected(SERVER) as db:
        db.execute(f"CREATE DATABASE {name} TEMPLATE migrated")
    yield _beside(SERVER, name)
    with connected(SERVER) as db:
        db.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def connected(url: str) -> Iterator[Any]:
    """Open the database that a DATABASE_URL names."""
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=20)) as db, db:
            yield db
    else:
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("SET TIME ZONE 'UTC'")
            yield db


def _make_template(marker: Path) -> None:
    assert SERVER is not None
    with connected(SERVER) as db:
        db.execute("CREATE DATABASE migrated")
    _migrate(_beside(SERVER, "migrated"))
    marker.touch()


def _beside(url: str, name: str) -> str:
    return f"{url.rpartition('/')[0]}/{name}"


def _migrate(url: str) -> None:
    # A HotWax of one's own: the demo's accounts would be made otherwise.
    environment = {"ENV_FILE": os.devnull, "HOTWAX_URL": "http://127.0.0.1:9", "DATABASE_URL": url}
    settings = {"DJANGO_SETTINGS_MODULE": "reconciler.settings"}
    manage({**os.environ, **settings, **environment}, "migrate", "-v0")
