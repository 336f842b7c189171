"""Counts a ledger's SQLite file with plain SQL. Imports nothing of ours."""

import sqlite3
from collections import Counter
from pathlib import Path

from tests.solr.generator import Truth


def recount(database: Path) -> Truth:
    """Count orders by shop, error and day of last failure, and attempts."""
    with sqlite3.connect(database) as db:

        def counted(sql: str) -> Counter[str]:
            return Counter(dict(db.execute(sql).fetchall()))

        return Truth(
            orders=db.execute("SELECT count(*) FROM ledger_failedorder").fetchone()[0],
            per_shop=counted(
                "SELECT s.name, count(*) FROM ledger_failedorder o "
                "JOIN ledger_shop s ON s.id = o.shop_id GROUP BY 1"
            ),
            per_error=counted("SELECT error_excerpt, count(*) FROM ledger_failedorder GROUP BY 1"),
            per_day=counted(
                "SELECT substr(last_failed_at, 1, 10), count(*) FROM ledger_failedorder GROUP BY 1"
            ),
            attempts=db.execute("SELECT count(*) FROM ledger_attempt").fetchone()[0],
        )


def whole(database: Path) -> list[tuple[object, ...]]:
    """All orders, row by row."""
    with sqlite3.connect(database) as db:
        return db.execute("SELECT * FROM ledger_failedorder ORDER BY id").fetchall()
