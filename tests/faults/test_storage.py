"""Faults of the database, the disk and the process: nothing lost, nothing doubled."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client as Browser
from django.utils import timezone

from reconciler.ledger.models import SyncState
from tests.clock import NOW, of_processes
from tests.databases import copy_of_file
from tests.faults.server import FaultyHotWax, Handler
from tests.faults.steps import equal, look, more, run_sync
from tests.makers import document

ROOT = Path(__file__).resolve().parents[2]


def manage(hotwax: FaultyHotWax, database: str, *words: str) -> "subprocess.Popen[str]":
    environment = {
        **os.environ,
        **of_processes(),
        "HOTWAX_URL": hotwax.url,
        "DATABASE_URL": database,
        "ENV_FILE": os.devnull,
        "DJANGO_SETTINGS_MODULE": "reconciler.settings",
    }
    return subprocess.Popen(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def file_of(tmp_path: Path) -> str:
    return copy_of_file(tmp_path / "ledger.sqlite3")


def keys_in(url: str) -> list[str]:
    with sqlite3.connect(url.removeprefix("sqlite:///"), timeout=20) as db:
        return sorted(k for (k,) in db.execute("SELECT document_key FROM ledger_attempt"))


def test_fault_database_locked(hotwax: FaultyHotWax, file_of: str) -> None:
    held = sqlite3.connect(file_of.removeprefix("sqlite:///"), isolation_level=None)
    held.execute("BEGIN IMMEDIATE")
    process = manage(hotwax, file_of, "sync")
    time.sleep(2)
    assert process.poll() is None  # it waits
    held.execute("COMMIT")
    assert process.wait(timeout=30) == 0
    assert keys_in(file_of) == sorted(d["document-id"] for d in hotwax.documents)


@pytest.mark.django_db(transaction=True)
def test_fault_a_lock_is_held_while_pages_answer(hotwax: FaultyHotWax, browser: Browser) -> None:
    run_sync()
    if connection.vendor == "sqlite":
        return  # in memory a lock keeps readers out, too; test_database.py holds one on a file
    SyncState.objects.update(asked_at=None, caught_up_at=None, heartbeat_at=None)
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("UPDATE ledger_syncstate SET failures = failures")
        page = browser.get("/orders/")
        cursor.execute("ROLLBACK")
    other.close()
    assert page.status_code == 200
    assert "nothing new can be kept: another process holds" in page.content.decode()
    assert "nothing new can be kept" not in look(browser)
    equal(hotwax)


@pytest.mark.django_db(transaction=True)
def test_fault_disk_full(hotwax: FaultyHotWax, browser: Browser) -> None:
    run_sync()
    if connection.vendor != "sqlite":
        return  # PostgreSQL's disk is not ours to fill; the run over SQLite shows the rest
    more(hotwax, 1500)
    with connection.cursor() as cursor:
        pages = cursor.execute("PRAGMA page_count").fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count = {pages + 4}")
    with pytest.raises(OperationalError, match="full"):
        run_sync()
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA max_page_count = 1000000")
    SyncState.objects.update(lease_owner="", lease_until=None)
    run_sync()
    equal(hotwax)


@pytest.mark.django_db(transaction=True)
def test_fault_database_gone_and_back(hotwax: FaultyHotWax, browser: Browser) -> None:
    run_sync()
    SyncState.objects.update(heartbeat_at=timezone.now())
    where = dict(connection.settings_dict)
    lost = (
        {"NAME": "/nonexistent/ledger.sqlite3"} if connection.vendor == "sqlite" else {"PORT": "9"}
    )
    if connection.vendor == "sqlite":
        pytest.importorskip("sqlite3")
        kept = connection.connection  # the database in memory lives as long as it is open
        connection.connection = None
    else:
        connection.close()
    connection.settings_dict.update(lost)
    browser.raise_request_exception = False
    try:
        response = browser.get("/orders/")
        assert response.status_code == 503
        assert "The database does not answer" in response.content.decode()
        assert browser.get("/readyz").status_code == 503
        assert browser.get("/livez").status_code == 200
    finally:
        connection.settings_dict.update(where)
        if connection.vendor == "sqlite":
            connection.connection = kept
    more(hotwax)
    run_sync()
    equal(hotwax)
    assert browser.get("/readyz").status_code == 200


def test_fault_kill_9_at_each_step_of_a_sync(hotwax: FaultyHotWax, file_of: str) -> None:
    hotwax.documents = [
        document(f"#{i}", document_id=f"d{i}", logged=NOW - timedelta(minutes=i + 1))
        for i in range(1300)
    ]
    killed_at = []
    for number in range(1, 40):
        process = manage(hotwax, file_of, "sync")
        hotwax.requests.clear()

        def kill(
            handler: Handler, body: dict[str, Any], number: int = number, victim: Any = process
        ) -> bool:
            if len(hotwax.requests) == number:
                # On every other turn a little later: after the answer, while it is written.
                delay = 0.01 if number % 2 else 0
                threading.Timer(delay, victim.send_signal, [signal.SIGKILL]).start()
            return False

        hotwax.fault = kill
        code = process.wait(timeout=60)
        with sqlite3.connect(file_of.removeprefix("sqlite:///"), timeout=20) as db:
            db.execute("UPDATE ledger_syncstate SET lease_until = '2020-01-01 00:00:00'")
        if code == 0:
            break
        killed_at.append(number)
    assert len(killed_at) >= 4
    hotwax.fault = None
    assert manage(hotwax, file_of, "sync").wait(timeout=60) == 0
    keys = keys_in(file_of)
    assert keys == sorted(d["document-id"] for d in hotwax.documents)
