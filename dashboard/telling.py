"""The value that an error is about: where it stands in the text."""

import re
from functools import lru_cache

#: Kinds of values by which orders belong together, the most telling first; not a time or a number.
TELLING = ("sku", "id", "order", "email", "value")
_SLOT = re.compile(r"‹([a-z ]+)›")
#: What the rules of signatures take for a value: a quoted text, or one without a space.
_QUOTED = re.compile(r"'[^']{1,500}'|\"[^\"]{1,500}\"")
_WORD = re.compile(r"[^\s,;:()\[\]‹]{1,500}")
#: May stand between the words of a template and its value; templates leave the colon out.
_BETWEEN = re.compile(r":?\s*")


@lru_cache(maxsize=2048)
def parted(template: str, text: str) -> tuple[str, str, str]:
    """Return what stands before the value, the value, and what stands behind it.

    ``template`` is that of the text's signature. Without a telling value, or where the text does
    not read like its template, all of it stands before.
    """
    words, kind = _words_before(template)
    start = _end_of(words, text) if kind else -1
    if start < 0:
        return text, "", ""
    found = (_QUOTED if kind == "value" else _WORD).match(text, start)
    # A mark that ends the sentence does not belong to it.
    value = found[0].rstrip(".") if found else ""
    # Of a value that was cut off nothing is told.
    if not value or "…" in value:
        return text, "", ""
    return text[:start], value, text[start + len(value) :]


@lru_cache(maxsize=1024)
def _words_before(template: str) -> tuple[tuple[str, ...], str]:
    """Return the words before a template's most telling value, cut where others differ; its kind.

    The kind is "" if it has none.
    """
    # Of a printed entity, [field,value(java.type)], the template leaves out the type.
    slots = [
        slot
        for slot in _SLOT.finditer(template)
        if slot[1] in TELLING and not template[: slot.start()].endswith(",")
    ]
    if not slots:
        return (), ""
    chosen = min(slots, key=lambda slot: TELLING.index(slot[1]))
    parts = _SLOT.split(template[: chosen.start()])[::2]
    return tuple(part.strip() for part in parts), chosen[1]


def _end_of(words: tuple[str, ...], text: str) -> int:
    """Return where the value begins that follows these words; -1 if they are not in the text.

    Each is looked for once, behind the one before, so that time grows with the text's length.
    """
    here = 0
    for part in words:
        found = text.find(part, here)
        if found < 0:
            return -1
        here = found + len(part)
    between = _BETWEEN.match(text, here)
    return between.end() if between else here
