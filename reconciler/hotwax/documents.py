"""HotWax's log documents -> frozen dataclasses. Pure: no network, no database, no clock.

HotWax's schema is not known, so nothing here trusts a type: each field is looked for under its
known names and suffixes, a value may be a one-element list, a number may stand for a string, and
what cannot be read is named in ``problems`` while the document is kept.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from reconciler.hotwax.dates import read_date
from reconciler.hotwax.links import SHOPIFY, host_of, mask_keys

Result = TypeVar("Result")

#: Raise it when reading changes: the ledger then derives every row again.
PARSER_VERSION = 2

#: Each field's names in HotWax's documentation; a suffix of SUFFIXES may follow.
ALIASES: dict[str, tuple[str, ...]] = {
    "document_id": ("document-id", "id", "document_id"),
    "order_name": ("shopifyOrderName",),
    "site": ("site",),
    "created": ("orderCreatedDate", "createdDate"),
    "first_attempted": ("firstAttemptedImport",),
    "doc_type": ("docType",),
    "ttl": ("ttl", "_ttl_"),
    "error": ("errorMessage",),
    "timestamp": ("timestamp",),
    "expire_at": ("expire_at", "_expire_at_"),
    "version": ("version", "_version_"),
}
#: Dynamic-field suffixes, the fullest text first: `_str` copies are cut at 256 characters.
SUFFIXES = ("", "_txt_en", "_txt", "_s", "_str", "_dt", "_l")
FIELD_OF_NAME = {
    base + suffix: name for name, bases in ALIASES.items() for base in bases for suffix in SUFFIXES
}
_UTC = ZoneInfo("UTC")
#: Keys in the ledger are at most this long (a B-tree of PostgreSQL's holds 2,704 bytes).
KEY_LENGTH = 200
#: Lists in lists are taken apart so far.
DEEPEST = 4
#: A document nested deeper than this is unreadable (LEDGER.md §1).
DEEPEST_DOCUMENT = 100
NO_SHOP = "none"


@dataclass(frozen=True)
class Reading:
    """How documents are read: what HotWax leaves open and the settings decide.

    ``zone`` is the zone of dates written without one (HOTWAX_TIME_ZONE). ``stores`` maps a custom
    domain to its Shopify handle (SHOPIFY_STORES). ``aliases`` maps each field to its names in
    HotWax's documents; a suffix of SUFFIXES may follow.
    """

    zone: ZoneInfo = _UTC
    stores: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: ALIASES)

    @cached_property
    def names(self) -> dict[str, tuple[str, ...]]:
        """Return every name under which each field is looked for, in this order."""
        return {
            field: tuple(base + suffix for base in bases for suffix in SUFFIXES)
            for field, bases in self.aliases.items()
        }

    @property
    def fingerprint(self) -> str:
        """Return a hash that changes whenever documents would be read differently."""
        parts = [
            PARSER_VERSION,
            self.zone.key,
            sorted(self.stores.items()),
            sorted(self.aliases.items()),
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True)
class ShopIdentity:
    """A shop: its ``key`` in the ledger, the host it was seen under, its Shopify handle."""

    key: str
    host: str = ""
    handle: str = ""


@dataclass(frozen=True)
class FailureDocument:
    """One failed import as HotWax logged it. All datetimes are aware, in UTC."""

    document_key: str
    #: The timestamp at fixed width with milliseconds, else "": a key, never null.
    logged_key: str
    order_name: str
    order_key: str
    shop: ShopIdentity
    site: str
    created_at: datetime | None
    first_attempted_at: datetime | None
    logged_at: datetime | None
    expires_at: datetime | None
    error_text: str
    #: The document as text, exactly as it can be read again.
    raw: str
    #: What could not be read, in words; the document is kept all the same.
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class UnreadableDocument:
    """Something in the list of documents that is none; kept and shown with the reason."""

    raw: str
    sha256: str
    reason: str


@dataclass(frozen=True)
class ForeignDocument:
    """A document of another docType: not ours, not kept."""


Document = FailureDocument | UnreadableDocument | ForeignDocument


def read_document(raw: object, doc_type: str, reading: Reading) -> Document:
    """Read one element of ``response.docs``. Never raises."""
    return deep(_read_document, raw, doc_type, reading)


def _read_document(raw: object, doc_type: str, reading: Reading) -> Document:
    text = as_text(raw)
    if not isinstance(raw, dict):
        return _unreadable(text, f"It is no JSON object but {_kind(raw)}.")
    if is_deeper(raw, DEEPEST_DOCUMENT):
        return _unreadable(text, f"It is nested deeper than {DEEPEST_DOCUMENT} levels.")
    problems: list[str] = []
    values = {name: _value(raw, reading.names[name], problems) for name in reading.names}
    if values["doc_type"] and values["doc_type"] != doc_type:
        return ForeignDocument()
    name = clean(values["order_name"]) if values["order_name"].strip() else ""
    if not values["document_id"].strip() and not name:
        return _unreadable(text, "It has neither a document id nor an order name.")
    created = _date(values["created"], "orderCreatedDate", _UTC, problems)
    logged = _date(values["timestamp"], "timestamp", _UTC, problems)
    key = document_key(raw, values["document_id"])
    return FailureDocument(
        document_key=key,
        logged_key=logged_key(logged),
        order_name=name,
        order_key=bounded(name or f"document:{key}"),
        shop=shop_of(values["site"], reading.stores),
        site=clean(values["site"]),
        created_at=created,
        first_attempted_at=_date(
            values["first_attempted"], "firstAttemptedImport", reading.zone, problems, created
        ),
        logged_at=logged,
        expires_at=_date(values["expire_at"], "expire_at", _UTC, problems),
        error_text=mask_keys(clean(values["error"])),
        raw=text,
        problems=tuple(problems),
    )


def as_text(raw: object) -> str:
    """Write a JSON value as ASCII text: any database keeps it, and it reads back the same."""
    return deep(json.dumps, raw)


def from_text(text: str) -> Any:
    """Read what ``as_text`` wrote."""
    return deep(json.loads, text)


def deep(function: Callable[..., Result], *arguments: Any) -> Result:
    """Call a function on a value that may be nested as deeply as JSON was read.

    A thread of its own begins with an empty stack, so what was read in this one fits there.
    """
    try:
        return function(*arguments)
    except RecursionError:
        with ThreadPoolExecutor(max_workers=1) as thread:
            return thread.submit(function, *arguments).result()


def is_deeper(value: object, levels: int) -> bool:
    """Return True if lists and objects are nested in more than so many levels."""
    here = [value]
    for _ in range(levels):
        inner: list[object] = []
        for item in here:
            if isinstance(item, dict):
                inner += item.values()
            elif isinstance(item, list):
                inner += item
        if not inner:
            return False
        here = inner
    return any(isinstance(item, dict | list) for item in here)


def document_key(raw: Mapping[str, Any], document_id: str) -> str:
    """Name a document: its id, else the hash of its content without ``version``."""
    if document_id.strip():
        return bounded(clean(document_id))
    content = {name: value for name, value in raw.items() if FIELD_OF_NAME.get(name) != "version"}
    canonical = json.dumps(content, ensure_ascii=True, sort_keys=True)
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def logged_key(logged: datetime | None) -> str:
    """Write a timestamp at fixed width with milliseconds; "" for none."""
    if logged is None:
        return ""
    return logged.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def bounded(text: str) -> str:
    """Shorten a key that is too long to index; the hash at its end keeps it unique."""
    if len(text) <= KEY_LENGTH:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{text[: KEY_LENGTH - 65]}…{digest}"


_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def clean(text: str) -> str:
    """Replace NUL and lone surrogates, which no text column keeps, by U+FFFD."""
    if text.isascii() and "\x00" not in text:  # as most texts: far cheaper than the search
        return text
    return _UNSTORABLE.sub("\ufffd", text)


# ------------------------------------------------------------------------------------ values


def _value(raw: Mapping[str, Any], names: tuple[str, ...], problems: list[str]) -> str:
    """Return the first value under one of a field's names that is not empty, as text."""
    for alias in names:
        value = raw.get(alias)
        text = value if isinstance(value, str) else _text(value, alias, problems)
        if text:
            return text
    return ""


def _text(value: object, alias: str, problems: list[str], depth: int = 0) -> str:
    if isinstance(value, list):
        several = len(value) != 1 and any(not isinstance(item, str) for item in value)
        if several or depth > DEEPEST:
            problems.append(f"{alias} is a list that cannot be read")
            return ""
        return "\n".join(_text(item, alias, problems, depth + 1) for item in value)
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        problems.append(f"{alias} is {_kind(value)}, not text")
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        return str(int(value))
    return str(value)


def _kind(value: object) -> str:
    if isinstance(value, str):
        return "a text"
    if isinstance(value, bool):
        return "true or false"
    if value is None:
        return "null"
    if isinstance(value, int | float):
        return "a number"
    return "a list" if isinstance(value, list) else "an object"


def _unreadable(raw: str, reason: str) -> UnreadableDocument:
    return UnreadableDocument(raw, hashlib.sha256(raw.encode()).hexdigest(), reason)


def _date(
    text: str,
    name: str,
    zone: ZoneInfo,
    problems: list[str],
    not_before: datetime | None = None,
) -> datetime | None:
    if not text.strip():
        return None
    moment = read_date(text, zone, not_before)
    if moment is None:
        shown = clean(text if len(text) <= 60 else text[:59] + "…")
        problems.append(f"{name} “{shown}” is no date")
    return moment


def shop_of(site: str, stores: Mapping[str, str]) -> ShopIdentity:
    """Say whose order it is (LEDGER.md §1, "Shop key").

    Only hosts that Shopify gives out, or that the settings name, may speak for a shop id: text
    alone adds no foreign host to a shop.
    """
    host = host_of(site)
    if not host:
        return ShopIdentity(NO_SHOP)
    ours = host.endswith(SHOPIFY) and len(host) > len(SHOPIFY)
    handle = stores.get(host, "").lower().removesuffix(SHOPIFY) or (
        host.removesuffix(SHOPIFY) if ours else ""
    )
    shop_id = urlsplit(site).path.lstrip("/").split("/")[0]
    if (ours or host in stores) and shop_id.isascii() and shop_id.isdigit():
        return ShopIdentity(bounded(shop_id), host, handle)
    # A host of digits only, or one called "none", must not be taken for the other kinds of key.
    key = f"//{host}" if host.isdigit() or host == NO_SHOP else host
    return ShopIdentity(bounded(key), host, handle)
