"""A document as HotWax has it, field by field, and how its dates were read."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from dashboard.wording import place
from reconciler import service

#: Canonical field -> attribute of the attempt that says how its date was read.
_DATES = {
    "created": "order_created_at",
    "first_attempted": "first_attempted_at",
    "timestamp": "logged_at",
    "expire_at": "expires_at",
}


@dataclass(frozen=True)
class RawField:
    """One field of the document as HotWax has it, and how we read it."""

    name: str
    value: str
    note: str = ""


def raw_fields(attempt: service.Attempt) -> list[RawField]:
    """List the fields of an attempt's document, unknown ones too; `key=` values are hidden."""
    document = service.from_text(attempt.raw)
    return [_field(name, value, attempt) for name, value in document.items()]


def raw_json(attempt: service.Attempt) -> str:
    """Write the document for copying; `key=` values are hidden."""
    try:
        text = json.dumps(service.from_text(attempt.raw), ensure_ascii=False, indent=2)
    except RecursionError:  # nested too deeply to be laid out
        text = attempt.raw
    return service.mask_keys(_printable(text))


def _field(name: str, value: Any, attempt: service.Attempt) -> RawField:
    text = value if isinstance(value, str) else _written(value)
    shown = service.mask_keys(text)
    known = service.FIELD_OF_NAME.get(name)
    note = "key hidden" if shown != text else ""
    if known is None:
        note = "unknown field, kept"
    elif known in _DATES and text:
        moment: datetime | None = getattr(attempt, _DATES[known])
        note = _read_as(known, moment)
    return RawField(_printable(name), _printable(shown), note)


def _written(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return service.as_text(value)


def _read_as(known: str, moment: datetime | None) -> str:
    if moment is None:
        return "cannot be read as a date"
    utc = f"{moment.astimezone(ZoneInfo('UTC')):%Y-%m-%d %H:%M:%S} UTC"
    if known == "first_attempted":
        return f"no zone; read as {place(settings.HOTWAX_TIME_ZONE)}: {utc}"
    return f"read as {utc}"


def _printable(text: str) -> str:
    """Keep what a page cannot carry (lone surrogates, NUL) visible."""
    return "".join(
        f"\\u{ord(c):04x}" if c == "\x00" or "\ud800" <= c <= "\udfff" else c for c in text
    )
