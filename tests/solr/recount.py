"""Counts a ledger with plain SQL, in SQLite or PostgreSQL. Imports nothing of ours."""

from collections import Counter
from typing import Any

from tests.databases import connected
from tests.solr.generator import Truth


def query(url: str, sql: str) -> list[tuple[Any, ...]]:
    """Run one statement."""
    with connected(url) as db:
        return list(db.execute(sql).fetchall())


def recount(url: str) -> Truth:
    """Count orders by shop, error and day of last failure, and attempts."""

    def counted(sql: str) -> Counter[str]:
        return Counter(dict(query(url, sql)))

    return Truth(
        orders=query(url, "SELECT count(*) FROM ledger_failedorder")[0][0],
        per_shop=counted(
            "SELECT s.name, count(*) FROM ledger_failedorder o "
            "JOIN ledger_shop s ON s.id = o.shop_id GROUP BY 1"
        ),
        per_error=counted("SELECT error_excerpt, count(*) FROM ledger_failedorder GROUP BY 1"),
        per_day=counted(
            "SELECT substr(CAST(last_failed_at AS text), 1, 10), count(*) "
            "FROM ledger_failedorder GROUP BY 1"
        ),
        attempts=query(url, "SELECT count(*) FROM ledger_attempt")[0][0],
    )


def whole(url: str) -> list[tuple[Any, ...]]:
    """All orders, row by row."""
    return query(url, "SELECT * FROM ledger_failedorder ORDER BY id")
