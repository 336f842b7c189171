"""How long a page waits for the database, and what the database's errors mean."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import InterfaceError, OperationalError, connection

#: A page waits no longer than this for a lock that another process holds, in seconds.
PAGE_WAIT = 0.8

#: The errors that say "the database does not answer". Any other database error is a fault of ours.
UNAVAILABLE = (OperationalError, InterfaceError)

DISK_FULL = "the disk is full"

#: What SQLite's or PostgreSQL's message contains -> what it means.
_REASONS = (
    ("disk is full", DISK_FULL),
    ("No space left on device", DISK_FULL),
    ("is locked", "another process holds the database’s lock"),
    ("lock timeout", "another process holds the database’s lock"),
    ("readonly database", "the database may only be read"),
)
#: PostgreSQL's codes, for servers whose messages are in another language.
_REASONS_BY_CODE = {
    "53100": DISK_FULL,
    "55P03": "another process holds the database’s lock",
}


def reason_of(error: BaseException) -> str:
    """Return why the database did not do what was asked, as a part of a sentence."""
    code = getattr(error.__cause__, "sqlstate", None)
    if code in _REASONS_BY_CODE:
        return _REASONS_BY_CODE[code]
    message = str(error)
    found = (reason for part, reason in _REASONS if part in message)
    return next(found, "the database does not answer")


@contextmanager
def brief_wait() -> Iterator[None]:
    """Let each statement inside wait at most PAGE_WAIT seconds for another process's lock.

    A statement that waited longer raises OperationalError. Transactions do not span this.
    """
    milliseconds = round(PAGE_WAIT * 1000)
    if connection.vendor == "sqlite":
        usual = round(connection.settings_dict["OPTIONS"]["timeout"] * 1000)
        _execute(f"PRAGMA busy_timeout = {milliseconds}")
        restore = f"PRAGMA busy_timeout = {usual}"
    else:
        _execute(f"SET lock_timeout = {milliseconds}")
        restore = "RESET lock_timeout"
    try:
        yield
    finally:
        _execute(restore)


def refresh_statistics() -> None:
    """Let SQLite count what its indexes hold, on which its plans depend; PostgreSQL does so itself.

    Reads every index: seconds for a million orders. (A sample makes it choose plans that are a
    hundred times slower: SQLite then takes every value of a column for equally rare.)
    """
    if connection.vendor == "sqlite":
        _execute("ANALYZE")


def _execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
