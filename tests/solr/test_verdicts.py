"""Real Solr with both cores: every verdict is the right one, and the requests are few."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.solr.arrivals import STORES, World, world
from tests.solr.commands import manage
from tests.solr.recount import query
from tests.solr.rig import Gateway, Solr

FAILURES = 3_000
VERDICTS = """SELECT a.document_key, o.verdict FROM ledger_failedorder o
JOIN ledger_attempt a ON a.order_id = o.id"""


@pytest.fixture(scope="module")
def made() -> World:
    return world(FAILURES)


@pytest.fixture(scope="module", params=["orders", "orders_guessed"])
def both(request: Any, solr: Solr, made: World) -> Iterator[Gateway]:
    """A log and an order index of two shards each."""
    collections = {"logInsights": f"log-{request.param}", "enterpriseSearch": f"x-{request.param}"}
    solr.make(collections["logInsights"], "log")
    solr.make(collections["enterpriseSearch"], request.param)
    solr.index(collections["logInsights"], made.log)
    solr.index(collections["enterpriseSearch"], made.orders)
    gateway = Gateway(solr, collections)
    yield gateway
    gateway.shutdown()
    gateway.server_close()
    for name in collections.values():
        solr.drop(name)


@pytest.mark.parametrize("stores", ["", STORES], ids=["by date", "by product store"])
def test_every_verdict_is_the_right_one(
    stores: str, both: Gateway, made: World, database: str, monkeypatch: Any
) -> None:
    monkeypatch.setenv("SHOP_PRODUCT_STORES", stores)
    assert manage(both, database, "sync").returncode == 0
    both.to_orders = 0
    done = manage(both, database, "verdicts")
    assert done.returncode == 0, done.stderr
    right = made.by_store if stores else made.by_date
    found = dict(query(database, VERDICTS))
    wrong = {key: (right[key], found[key]) for key in right if right[key] != found[key]}
    assert not wrong
    assert Counter(found.values())["imported"] == Counter(right.values())["imported"] > 600
    # One request for every 99 names, and a few to learn how.
    assert both.to_orders <= FAILURES / 99 + 5
    sql = "SELECT state, count(*) FROM ledger_failedorder WHERE verdict = 'imported' GROUP BY 1"
    assert query(database, sql) == [("resolved", Counter(right.values())["imported"])]
    again = manage(both, database, "verdicts")
    assert "0 order names asked for" in again.stdout


def test_renamed_fields_are_no_verdict(
    solr: Solr, log: Gateway, database: str, made: World
) -> None:
    solr.make("renamed", "orders")
    solr.index("renamed", [{**doc, "orderName": None} for doc in made.orders[:40]])
    solr.index(log.log, made.log[:20])
    log.collections["enterpriseSearch"] = "renamed"
    manage(log, database, "sync")
    done = manage(log, database, "verdicts")
    solr.drop("renamed")
    assert done.returncode == 1
    assert "names its orders in a way that is not known" in done.stderr
    assert {verdict for _, verdict in query(database, VERDICTS)} == {"unchecked"}


def test_without_an_order_index_everything_else_works(
    log: Gateway, database: str, solr: Solr, made: World
) -> None:
    solr.index(log.log, made.log[:20])
    log.collections["enterpriseSearch"] = "no-such-collection"
    assert manage(log, database, "sync").returncode == 0
    done = manage(log, database, "verdicts")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    checked = manage(log, database, "check_hotwax")
    assert checked.returncode == 0, checked.stdout
    assert "order index" in checked.stdout
