"""Real Solr -> real HTTP -> the real command -> a ledger file, counted by a stranger."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.solr.generator import generate
from tests.solr.recount import recount, whole
from tests.solr.rig import Gateway, Solr
from tests.solr.schemas import SCHEMAS

ROOT = Path(__file__).resolve().parents[2]


def environment(gateway: Gateway, database: Path) -> dict[str, str]:
    return {
        **os.environ,
        "HOTWAX_URL": gateway.url,
        "DATABASE_URL": f"sqlite:///{database}",
        "ENV_FILE": os.devnull,
        "DJANGO_SETTINGS_MODULE": "reconciler.settings",
    }


def manage(gateway: Gateway, database: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=environment(gateway, database),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@pytest.fixture
def database(tmp_path: Path, log: Gateway) -> Path:
    path = tmp_path / "ledger.sqlite3"
    assert manage(log, path, "migrate", "-v0").returncode == 0
    return path


def test_twenty_thousand_documents_are_counted_right_also_after_a_kill(
    solr: Solr, log: Gateway, database: Path
) -> None:
    documents, truth = generate(20_000)
    solr.index(log.log, documents)

    killed = subprocess.Popen(
        [sys.executable, "manage.py", "sync"],
        cwd=ROOT,
        env=environment(log, database),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while _attempts(database) < 3000:
        assert killed.poll() is None, "it ended before it could be killed"
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert 0 < _attempts(database) < 20_000

    with sqlite3.connect(database) as db:  # the dead syncer's lease runs out at last
        db.execute("UPDATE ledger_syncstate SET lease_until = '2020-01-01'")
    done = manage(log, database, "sync")
    assert done.returncode == 0, done.stderr
    assert "20,000 of 20,000" in done.stdout
    assert recount(database) == truth

    before = whole(database)
    again = manage(log, database, "sync")
    assert again.returncode == 0, again.stderr
    assert whole(database) == before


def _attempts(database: Path) -> int:
    with sqlite3.connect(database, timeout=20) as db:
        count: int = db.execute("SELECT count(*) FROM ledger_attempt").fetchone()[0]
        return count


@pytest.mark.parametrize("schema", SCHEMAS)
def test_under_every_schema_the_ledger_equals_the_truth(
    schema: str, solr: Solr, gateway_of: Any, tmp_path: Path
) -> None:
    configset, write, mode = SCHEMAS[schema]
    gateway = gateway_of(configset)
    documents, truth = generate(2_300)
    solr.index(gateway.log, write(documents))
    path = tmp_path / "ledger.sqlite3"
    manage(gateway, path, "migrate", "-v0")
    done = manage(gateway, path, "sync")
    assert done.returncode == 0, done.stderr
    found = recount(path)
    if (
        "without ms" in schema
    ):  # what the log does not say, the latest of one second is not known by
        found.per_error, truth.per_error = Counter(), Counter()
    assert found == truth
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT mode FROM ledger_syncstate").fetchone() == (mode,)
    # New, re-indexed and deleted documents come and go the same way.
    late = {**documents[0], "document-id": "late", "shopifyOrderName": "#late"}
    solr.index(gateway.log, write([late]))
    solr.delete(gateway.log, [d["document-id"] for d in documents[10:20]])
    done = manage(gateway, path, "sync")
    assert done.returncode == 0, done.stderr
    assert "2,291 of 2,291" in done.stdout


def test_what_is_deleted_in_solr_is_marked_and_kept(
    solr: Solr, log: Gateway, database: Path
) -> None:
    documents, _ = generate(1_200)
    solr.index(log.log, documents)
    manage(log, database, "sync")
    gone = [d["document-id"] for d in documents[100:140]]
    solr.delete(log.log, gone)
    done = manage(log, database, "sync")
    assert done.returncode == 0, done.stderr
    assert "1,160 of 1,160" in done.stdout
    with sqlite3.connect(database) as db:
        sql = "SELECT document_key FROM ledger_attempt WHERE left_log_reason = 'removed'"
        assert {key for (key,) in db.execute(sql)} == set(gone)


@pytest.mark.parametrize("method", ["GET", "POST", "GET-QUERY"])
def test_auto_finds_the_one_method_that_the_gateway_knows(
    method: str, solr: Solr, log: Gateway, database: Path
) -> None:
    solr.index(log.log, generate(30)[0])
    log.methods = {method}
    done = manage(log, database, "sync")
    assert done.returncode == 0, done.stderr
    with sqlite3.connect(database) as db:
        assert db.execute("SELECT method FROM ledger_syncstate").fetchone() == (method,)


def test_a_token_that_is_missing_is_named_and_exits_with_1(
    log: Gateway, database: Path, monkeypatch: Any
) -> None:
    log.token = "secret"
    done = manage(log, database, "sync")
    assert done.returncode == 1
    assert "401" in done.stderr
    assert "HOTWAX_TOKEN" in done.stderr
    assert "Traceback" not in done.stderr
