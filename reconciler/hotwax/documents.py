"""HotWax's log documents -> frozen dataclasses. Pure: no network, no database, no clock.

HotWax's schema is not known, so nothing here trusts a type: each field is looked for under its
known names and suffixes, a value may be a one-element list, a number may stand for a string, and
what cannot be read is named in ``problems`` while the document is kept.
"""

import calendar
import hashlib
import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

Result = TypeVar("Result")

#: Raise it when reading changes: the ledger then derives every row again.
PARSER_VERSION = 1

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
_NAMES = {
    name: tuple(base + suffix for base in bases for suffix in SUFFIXES)
    for name, bases in ALIASES.items()
}
#: Keys in the ledger are at most this long (a B-tree of PostgreSQL's holds 2,704 bytes).
KEY_LENGTH = 200
#: Epoch milliseconds below this (3 March 1973) are no date of an order.
EARLIEST_EPOCH_MS = 100_000_000_000
LATEST_YEAR = 9000
#: Lists in lists are taken apart so far.
DEEPEST = 4
NO_SHOP = "none"


@dataclass(frozen=True)
class Reading:
    """How documents are to be read: what HotWax leaves open and the settings decide.

    ``zone`` is the zone of dates written without one (HOTWAX_TIME_ZONE); ``stores`` maps a
    custom domain to its Shopify handle (SHOPIFY_STORES).
    """

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    stores: Mapping[str, str] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Changes whenever documents would be read differently."""
        parts = [PARSER_VERSION, self.zone.key, sorted(self.stores.items())]
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
    problems: list[str] = []
    values = {name: _value(raw, name, problems) for name in _NAMES}
    if values["doc_type"] and values["doc_type"] != doc_type:
        return ForeignDocument()
    name = clean(values["order_name"]) if values["order_name"].strip() else ""
    if not values["document_id"].strip() and not name:
        return _unreadable(text, "It has neither a document id nor an order name.")
    created = _date(values["created"], "orderCreatedDate", UTC_READING, problems)
    logged = _date(values["timestamp"], "timestamp", UTC_READING, problems)
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
            values["first_attempted"], "firstAttemptedImport", reading, problems, created
        ),
        logged_at=logged,
        expires_at=_date(values["expire_at"], "expire_at", UTC_READING, problems),
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

    What could be read at one depth of the stack must be written at a greater one.
    """
    try:
        return function(*arguments)
    except RecursionError:
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(limit + 5000)
        try:
            return function(*arguments)
        finally:
            sys.setrecursionlimit(limit)


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
    utc = logged.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z".rjust(24, "0")


def bounded(text: str) -> str:
    """Shorten a key that is too long to index; the hash at its end keeps it unique."""
    if len(text) <= KEY_LENGTH:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{text[: KEY_LENGTH - 65]}…{digest}"


_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def clean(text: str) -> str:
    """Replace NUL and lone surrogates, which no text column keeps, by U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


_KEY_VALUE = re.compile(r"(key(?:=|%3D))([^\s&#\"'<>\\]+)", re.IGNORECASE)


def mask_keys(text: str) -> str:
    """Hide the value of every ``key=`` in a text: it may open an order to anybody."""
    return _KEY_VALUE.sub(r"\1•••", text) if "key" in text.lower() else text


# ------------------------------------------------------------------------------------ values


def _value(raw: Mapping[str, Any], name: str, problems: list[str]) -> str:
    """Find a field under any of its names: the first value that is not empty, as text."""
    for alias in _NAMES[name]:
        if alias in raw:
            text = _text(raw[alias], alias, problems)
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


# ------------------------------------------------------------------------------------- dates

UTC_READING = Reading()

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = re.compile(r"[+-]?\d+(?:\.0*)?", re.ASCII)
_ISO = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)(?:[T\s]\s*(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?"
    r"\s*(Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII | re.IGNORECASE,
)
_LONG_MONTHS = tuple(name.lower() for name in calendar.month_name[1:])
_MONTHS = tuple(name[:3] for name in _LONG_MONTHS)
# Java writes U+202F before AM and PM since JDK 20, so white space is any white space.
_WRITTEN = re.compile(
    r"([A-Za-z]{3,9})\.?\s+([0-9]{1,2})\s*,?\s+([0-9]{4})\s*,?\s+(?:at\s+)?"
    r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?(?:\s*([AaPp])\.?\s?[Mm]\.?)?"
)


def read_date(text: str, reading: Reading, not_before: datetime | None = None) -> datetime | None:
    """Read a date in any form that HotWax writes; None if it is no date. In UTC, to the ms.

    Forms: epoch milliseconds; ISO 8601 with or without milliseconds; ``January 3, 2024 10:15:12
    PM``, also in 24 hours. A date without a zone is in ``reading.zone``; where such a local time
    occurs twice it is the earliest instant not before ``not_before``.
    """
    moment = _read_date(text.strip(), reading, not_before)
    # Beyond these years lie mistakes, and the ends of what clocks and zones can be reckoned in.
    return moment if moment and 1970 <= moment.year <= LATEST_YEAR else None


def _read_date(text: str, reading: Reading, not_before: datetime | None) -> datetime | None:
    try:
        if _DIGITS.fullmatch(text):
            milliseconds = int(text.split(".", maxsplit=1)[0])
            if milliseconds < EARLIEST_EPOCH_MS:
                return None
            return _EPOCH + timedelta(milliseconds=milliseconds)
        if match := _ISO.fullmatch(text):
            return _iso(match, reading.zone, not_before)
        if match := _WRITTEN.fullmatch(text):
            return _written(match, reading.zone, not_before)
    except (ValueError, OverflowError):
        return None
    return None


def _date(
    text: str,
    name: str,
    reading: Reading,
    problems: list[str],
    not_before: datetime | None = None,
) -> datetime | None:
    if not text.strip():
        return None
    moment = read_date(text, reading, not_before)
    if moment is None:
        shown = clean(text if len(text) <= 60 else text[:59] + "…")
        problems.append(f"{name} “{shown}” is no date")
    return moment


def _iso(match: re.Match[str], zone: ZoneInfo, not_before: datetime | None) -> datetime:
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    text = f"{int(hour or 0):02}:{minute or '00'}:{second or '00'}"
    local = datetime.fromisoformat(f"{year}-{int(month):02}-{int(day):02}T{text}")
    local += timedelta(milliseconds=_milliseconds(fraction))
    if not offset:
        return _in_zone(local, zone, not_before)
    if offset in "Zz":
        return local.replace(tzinfo=UTC)
    digits = offset[1:].replace(":", "").ljust(4, "0")
    away = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if away >= timedelta(hours=24):
        raise ValueError(offset)
    return (local + away if offset[0] == "-" else local - away).replace(tzinfo=UTC)


def _written(match: re.Match[str], zone: ZoneInfo, not_before: datetime | None) -> datetime:
    word, day, year, hour, minute, second, fraction, half = match.groups()
    month = word.lower()
    number = _LONG_MONTHS.index(month) if month in _LONG_MONTHS else _MONTHS.index(month[:4][:3])
    if month not in _LONG_MONTHS and month not in (*_MONTHS, "sept"):
        raise ValueError(word)
    hours = int(hour)
    if half:
        if not 1 <= hours <= 12:
            raise ValueError(hour)
        hours = hours % 12 + (12 if half in "pP" else 0)
    clock = f"{hours:02}:{minute}:{second or '00'}"
    local = datetime.fromisoformat(f"{int(year):04}-{number + 1:02}-{int(day):02}T{clock}")
    return _in_zone(local + timedelta(milliseconds=_milliseconds(fraction)), zone, not_before)


def _milliseconds(fraction: str | None) -> int:
    return int((fraction or "").ljust(3, "0")[:3])


def _in_zone(local: datetime, zone: ZoneInfo, not_before: datetime | None) -> datetime:
    first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    # In the hour that occurs twice `second` is the later; elsewhere both are the same instant,
    # or, in the hour that is skipped, `second` is the earlier and means nothing.
    if not_before is not None and first < not_before <= second:
        return second
    return first


# ------------------------------------------------------------------------------ shops, links

# The authority must end where browsers end it too: they take a backslash for a slash.
_WEB_ADDRESS = re.compile(r"https?://[^/?#\\\s\x00-\x20]+(?:[/?#]|\Z)", re.IGNORECASE)
_HOST = re.compile(r"[^\s\x00-\x20<>\"'`\\^{}|%]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
SHOPIFY = ".myshopify.com"


def host_of(site: str) -> str:
    """Host of an http(s) URL in lower case without port; "" if it is no such URL with a host.

    Stricter than a URL parser: what browsers and parsers read differently is no URL here.
    """
    if not _WEB_ADDRESS.match(site) or _CONTROL.search(site):
        return ""
    try:
        parts = urlsplit(site)
        host = parts.hostname or ""
        _ = parts.port  # a port that is no number raises
    except ValueError:
        return ""
    return host.lower() if _HOST.fullmatch(host) else ""


def link_of(site: str) -> str:
    """Return ``site`` byte for byte where it is an http(s) URL with a host, else ""."""
    return site if host_of(site) else ""


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


def admin_link(handle: str, order_name: str) -> str:
    """Link to the search for an order in Shopify's admin; "" where the handle is not known."""
    if not handle or not order_name:
        return ""
    query = quote(order_name, safe="")
    return f"https://admin.shopify.com/store/{quote(handle, safe='')}/orders?query={query}"


def import_screen(hotwax_url: str) -> str:
    """Link to HotWax's screen for importing Shopify orders again."""
    return f"{hotwax_url.rstrip('/')}/commerce/control/ShopifyImportData?configId=CRT_SHOPIFY_ORDER"
