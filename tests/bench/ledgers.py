"""Fills a ledger with plain SQL, many orders at once. Imports nothing of what is timed."""

import random
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

SIGNATURES, SHOPS, DAYS = 60, 12, 400
CATEGORIES = ("data", "mapping", "payment", "connection", "database", "unexpected")
RETRIES = ("yes", "after_fix", "no", "check_first")
ORDER = """INSERT INTO ledger_failedorder (id, shop_id, order_key, order_name, name_key, name_tail,
name_sort_key, site_url, order_created_at, first_attempted_at, first_failed_at, first_at,
last_failed_at, attempt_count, latest_document_key, signature_id, error_excerpt, expires_at,
left_log_at, left_log_reason, state, search_text)
VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"""
ATTEMPT = """INSERT INTO ledger_attempt (order_id, document_key, logged_key, logged_at, expires_at,
order_created_at, first_attempted_at, signature_id, seen_first_at, seen_last_at, left_log_at,
left_log_reason, problems, site, error_text, raw)
VALUES (?,?,?,?,?,?,?,?,?,?,?,'','','',?,'{}')"""


def _written(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S.%f}"


def fill(path: str, orders: int, still_open: int, now: datetime) -> None:
    """Keep ``orders`` orders of the last DAYS days; the latest ``still_open`` are open."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous=OFF")
    connection.executemany(
        "INSERT INTO ledger_shop (id, key, handle, name, sort_key) VALUES (?,?,?,?,?)",
        [(n, f"{n}", f"s{n}", f"s{n}.myshopify.com", f"s{n:03d}") for n in range(1, SHOPS + 1)],
    )
    connection.executemany(
        "INSERT INTO ledger_shophost (shop_id, host) VALUES (?,?)",
        [(n, f"s{n}.myshopify.com") for n in range(1, SHOPS + 1)],
    )
    connection.executemany(
        "INSERT INTO ledger_errorsignature (id, slug, template, sort_key, rules_version, category,"
        " retry, plain, corrected_by) VALUES (?,?,?,?,2,?,?,'','')",
        [
            (
                n,
                f"{n:012x}",
                f"Error number {n}",
                f"error {n:03d}",
                CATEGORIES[n % len(CATEGORIES)],
                RETRIES[n % len(RETRIES)],
            )
            for n in range(1, SIGNATURES + 1)
        ],
    )
    rows = _rows(orders, still_open, now)
    while batch := list(islice(rows, 20_000)):
        connection.executemany(ORDER, [order for order, _ in batch])
        connection.executemany(ATTEMPT, [row for _, attempts in batch for row in attempts])
    connection.commit()
    connection.close()


def _rows(
    orders: int, still_open: int, now: datetime
) -> Iterator[tuple[tuple[Any, ...], list[tuple[Any, ...]]]]:
    rng = random.Random(1)
    step = timedelta(days=DAYS) / orders
    for i in range(1, orders + 1):
        last = now - step * (orders - i) - timedelta(seconds=1)
        signature = min(int(rng.expovariate(0.1)) + 1, SIGNATURES)
        shop = min(int(rng.expovariate(0.5)) + 1, SHOPS)
        attempts = rng.choice((1, 1, 1, 2, 3))  # 1.6 on average
        first = last - timedelta(hours=7) * (attempts - 1)
        created = first - timedelta(seconds=rng.randrange(30, 9000))
        expires = last + timedelta(days=60)
        left = _written(expires) if expires < now else None
        name, state = f"#{i}", "open" if i > orders - still_open else "resolved"
        text = f"Error number {signature}"
        moments = [_written(m) for m in (created, first, first, first, last)]
        yield (
            (
                *(i, shop, name, name, f"{i}", f"{i}", f"{i:012d}"),
                f"https://s{shop}.myshopify.com/{shop}/orders/{i:032x}/authenticate?key=k",
                *moments,
                *(attempts, f"d{i}-{attempts - 1}", signature, text, _written(expires)),
                *(left, "expired" if left else "", state, f"#{i} {text.casefold()}"),
            ),
            [
                (
                    *(i, f"d{i}-{k}", _written(m), _written(m), _written(m + timedelta(days=60))),
                    *(moments[0], moments[1], signature, _written(m), _written(m), left, text),
                )
                for k in range(attempts)
                for m in [first + timedelta(hours=7) * k]
            ],
        )


def begin_of_today() -> datetime:
    """Take a moment to count from: the whole second."""
    return datetime.now(UTC).replace(microsecond=0)
