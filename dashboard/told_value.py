"""The value that an error is about: where it stands in the text."""

import re
from functools import lru_cache

#: Kinds of values by which orders belong together, the most telling first; not a time or a number.
TELLING = ("sku", "id", "order", "email", "value")
#: A masked text that is quoted, or one without a space.
_VALUE = r"'[^']{1,500}'|\"[^\"]{1,500}\"|[^\s,;()\[\]'\"]{1,200}"
_SLOT = re.compile(r"‹([a-z ]+)›")


@lru_cache(maxsize=2048)
def parted(template: str, text: str) -> tuple[str, str, str]:
    """Return what stands before the value, the value, and what stands behind it.

    ``template`` is that of the text's signature. Without a telling value, or where the text does
    not read like its template, all of it stands before.
    """
    pattern = _pattern(template)
    found = pattern.match(text) if pattern else None
    if found is None:
        return text, "", ""
    start, end = found.span("value")
    # A mark that ends the sentence does not belong to it.
    end = start + len(text[start:end].rstrip(".:") or text[start:end])
    return text[:start], text[start:end], text[end:]


@lru_cache(maxsize=1024)
def _pattern(template: str) -> re.Pattern[str] | None:
    """Return what a text of a template begins with, up to its most telling value; None if none."""
    # Of a printed entity, [field,value(java.type)], the template leaves out the type.
    slots = [
        slot
        for slot in _SLOT.finditer(template)
        if slot[1] in TELLING and not template[: slot.start()].endswith(",")
    ]
    if not slots:
        return None
    chosen = min(slots, key=lambda slot: TELLING.index(slot[1]))
    before = _SLOT.split(template[: chosen.start()])[::2]
    words = (r"\s+".join(map(re.escape, part.split(" "))) for part in before)
    behind = _SLOT.split(template[chosen.end() :])[0][:12].rstrip()
    end = "" if not behind or behind[0].isspace() else f"(?={re.escape(behind)})"
    value = f"(?P<value>{_VALUE}{'?' if end else ''}){end}"
    return re.compile(f"{'.{1,500}?'.join(words)}{value}", re.DOTALL)
