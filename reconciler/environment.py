"""How settings are read from the environment: checked, and told in one sentence if unusable."""

import logging
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str) -> str:
    """Return a value as written. `env.str` would take `$word` for the name of another variable."""
    return os.environ.get(name, default)


def checked(name: str, value: str, reads: Callable[[str], Any], expected: str) -> Any:
    """Return what ``reads`` makes of a value; raise ImproperlyConfigured if it cannot."""
    try:
        return reads(value)
    except (ValueError, KeyError, OSError) as error:
        raise ImproperlyConfigured(f"{name} is “{value}”; it must be {expected}.") from error


def one_of(*choices: str) -> Callable[[str], str]:
    """Make a reader that takes one of these values."""
    return lambda value: choices[choices.index(value)]


def core(value: str) -> str:
    """Read the name of a Solr core."""
    if not re.fullmatch(r"[A-Za-z0-9_.][A-Za-z0-9_.-]{0,99}", value):
        raise ValueError(value)
    return value


def doc_type(value: str) -> str:
    """Read a value of `docType`."""
    # "${" would be expanded by Solr in the documented request, and a control character by nobody.
    if not re.fullmatch(r"[^\x00-\x1f\x7f]{1,100}", value) or "${" in value:
        raise ValueError(value)
    return value


def seconds(value: str) -> float:
    """Read a number of seconds, at most an hour."""
    if not 0 < float(value) <= 3600:
        raise ValueError(value)
    return float(value)


def hours(value: str) -> float:
    """Read a number of hours, at most thirty days."""
    if not 0 < float(value) <= 720:
        raise ValueError(value)
    return float(value)


def number(value: str) -> int:
    """Read a number of processes."""
    if not 0 < int(value) <= 64:
        raise ValueError(value)
    return int(value)


def batch(value: str) -> int:
    """Read a number of orders, or of minutes."""
    if not 0 < int(value) <= 1000:
        raise ValueError(value)
    return int(value)


def port(value: str) -> int:
    """Read a port number."""
    if not 0 < int(value) < 65536:
        raise ValueError(value)
    return int(value)


def pairs(value: str) -> dict[str, str]:
    """Read `host=handle` pairs; hosts in lower case."""
    pairs = [pair.split("=") for pair in re.split(r"[,\s]+", value.strip()) if pair]
    if any(len(pair) != 2 or not all(pair) for pair in pairs):
        raise ValueError(value)
    return {host.lower(): handle for host, handle in pairs}


#: A part of a host name, between two dots.
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)


def host_of(address: str) -> str:
    """Return the host of an http(s) address; "" if it cannot be used.

    Says no more, because what cannot be read may hold a password anywhere.
    """
    try:
        url = httpx.URL(address)
        host, raw = url.host, url.raw_host.decode("ascii")
    except (httpx.InvalidURL, UnicodeError):
        return ""
    if url.scheme not in ("http", "https") or not 0 < (url.port or 443) < 65536:
        return ""
    labels = raw.removesuffix(".").split(".")
    named = len(raw) <= 253 and all(_LABEL.fullmatch(label) for label in labels)
    return host if named or ":" in raw else ""


def loopback(host: str | None) -> bool:
    """Return True for a host that is this machine."""
    return host in ("localhost", "::1") or bool(host and re.fullmatch(r"127(\.\d+){3}", host))


def make_private(path: Path) -> None:
    """Make a database's file, if it is missing, for nobody else to read.

    SQLite gives the files beside it the same mode. Raises ImproperlyConfigured.
    """
    if path.name == ":memory:":
        return
    try:
        path.touch(mode=0o600)
        path.chmod(0o600)
    except OSError as error:
        raise ImproperlyConfigured(f"The database {path}: {error.strerror}.") from None


def in_one_line(record: logging.LogRecord) -> bool:
    """Drop the traceback: a request with a wrong Host header is no fault of ours."""
    record.exc_info = None
    record.msg = str(record.msg)[:300]
    return True
