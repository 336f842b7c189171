"""Real Solr -> real HTTP -> the real command -> a ledger file, counted by a stranger."""

import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from typing import Any

import pytest

from tests.solr.commands import ROOT, environment, manage
from tests.solr.generator import generate
from tests.solr.recount import connected, query, recount, whole
from tests.solr.rig import Gateway, Solr
from tests.solr.schemas import SCHEMAS


def test_twenty_thousand_documents_are_counted_right_also_after_a_kill(
    solr: Solr, log: Gateway, database: str
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

    with connected(database) as db:  # the dead syncer's lease runs out at last
        db.execute("UPDATE ledger_syncstate SET lease_until = '2020-01-01 00:00:00'")
    done = manage(log, database, "sync")
    assert done.returncode == 0, done.stderr
    assert "20,000 of 20,000" in done.stdout
    assert recount(database) == truth

    before = whole(database)
    again = manage(log, database, "sync")
    assert again.returncode == 0, again.stderr
    assert whole(database) == before


def _attempts(database: str) -> int:
    count: int = query(database, "SELECT count(*) FROM ledger_attempt")[0][0]
    return count


@pytest.mark.parametrize("schema", SCHEMAS)
def test_under_every_schema_the_ledger_equals_the_truth(
    schema: str, solr: Solr, gateway_of: Any, database: str
) -> None:
    configset, write, mode = SCHEMAS[schema]
    gateway = gateway_of(configset)
    documents, truth = generate(1_300)
    solr.index(gateway.log, write(documents))
    done = manage(gateway, database, "sync")
    assert done.returncode == 0, done.stderr
    found = recount(database)
    if (
        "without ms" in schema
    ):  # what the log does not say, the latest of one second is not known by
        found.per_error, truth.per_error = Counter(), Counter()
    assert found == truth
    assert query(database, "SELECT mode FROM ledger_syncstate") == [(mode,)]
    # Every kind of request that the client can make, one by one.
    checked = manage(gateway, database, "check_hotwax")
    assert checked.returncode == 0, checked.stdout
    told = {line[6:22].strip(): line[:4].strip() for line in checked.stdout.splitlines()}
    assert told["paging"] == told["look-up by name"] == "ok"
    assert told["range"] == ("ok" if mode == "range" else "note")
    # New, re-indexed and deleted documents come and go the same way.
    late = {**documents[0], "document-id": "late", "shopifyOrderName": "#late"}
    solr.index(gateway.log, write([late]))
    solr.delete(gateway.log, [d["document-id"] for d in documents[10:20]])
    done = manage(gateway, database, "sync")
    assert done.returncode == 0, done.stderr
    assert "1,291 of 1,291" in done.stdout


def test_what_is_deleted_in_solr_is_marked_and_kept(
    solr: Solr, log: Gateway, database: str
) -> None:
    documents, _ = generate(1_200)
    solr.index(log.log, documents)
    manage(log, database, "sync")
    gone = [d["document-id"] for d in documents[100:140]]
    solr.delete(log.log, gone)
    done = manage(log, database, "sync")
    assert done.returncode == 0, done.stderr
    assert "1,160 of 1,160" in done.stdout
    sql = "SELECT document_key FROM ledger_attempt WHERE left_log_reason = 'removed'"
    assert {key for (key,) in query(database, sql)} == set(gone)


@pytest.mark.parametrize("method", ["GET", "POST", "GET-QUERY"])
def test_auto_finds_the_one_method_that_the_gateway_knows(
    method: str, solr: Solr, log: Gateway, database: str
) -> None:
    solr.index(log.log, generate(30)[0])
    log.methods = {method}
    done = manage(log, database, "sync")
    assert done.returncode == 0, done.stderr
    assert query(database, "SELECT method FROM ledger_syncstate") == [(method,)]


def test_a_token_that_is_missing_is_named_and_exits_with_1(
    log: Gateway, database: str, monkeypatch: Any
) -> None:
    log.token = "secret"
    done = manage(log, database, "sync")
    assert done.returncode == 1
    assert "401" in done.stderr
    assert "HOTWAX_TOKEN" in done.stderr
    assert "Traceback" not in done.stderr


def test_people_change_orders_while_the_first_load_runs(
    solr: Solr, log: Gateway, database: str
) -> None:
    """Two threads change orders during a backfill: no lock error, and no change is lost."""
    documents, truth = generate(6_000)
    solr.index(log.log, documents)
    problems: list[str] = []
    changed: list[set[int]] = [set(), set()]
    ended = threading.Event()

    def change(number: int) -> None:
        state = ("in_progress", "waiting")[number]
        sql = (
            f"UPDATE ledger_failedorder SET state = '{state}' WHERE id = "
            f"(SELECT id FROM ledger_failedorder WHERE state = 'open' AND id % 2 = {number} "
            "ORDER BY id LIMIT 1) RETURNING id"
        )
        while not ended.is_set():
            try:
                changed[number] |= {pk for (pk,) in query(database, sql)}
            except Exception as error:
                problems.append(repr(error))
            time.sleep(0.005)

    threads = [threading.Thread(target=change, args=(n,)) for n in (0, 1)]
    for thread in threads:
        thread.start()
    done = manage(log, database, "sync")
    ended.set()
    for thread in threads:
        thread.join()
    assert done.returncode == 0, done.stderr
    assert not problems
    assert recount(database) == truth
    for number, state in enumerate(("in_progress", "waiting")):
        rows = query(database, f"SELECT id FROM ledger_failedorder WHERE state = '{state}'")
        assert {pk for (pk,) in rows} == changed[number]
        assert len(changed[number]) > 20
