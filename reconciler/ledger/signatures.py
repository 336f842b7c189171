"""Error text -> signature: the template that remains when what differs is taken out.

Rules are rows, applied in order; VERSION counts their changes.
"""

import hashlib
import re
from functools import lru_cache

from reconciler.hotwax.documents import clean

VERSION = 1
#: A text is looked at up to here, and a template is at most so long: time stays bounded.
LONGEST_TEXT, LONGEST_TEMPLATE = 20_000, 2_000
EMPTY = "(no error text)"

#: Pattern -> what stands for it. White space first, then what is longest.
RULES: tuple[tuple[str, str], ...] = (
    (r"\s+", " "),
    (r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b", "‹uuid›"),
    (r"(?<![^\W_])\d+(?:[.,:]\d+)*", "‹n›"),
)
_COMPILED = tuple((re.compile(pattern), token) for pattern, token in RULES)


def template_of(error_text: str) -> str:
    """Template of an error text; never empty, and its own template."""
    return _template_of(error_text[:LONGEST_TEXT])


@lru_cache(maxsize=1024)
def _template_of(error_text: str) -> str:
    text = clean(error_text)
    for pattern, token in _COMPILED:
        text = pattern.sub(token, text)
    return text.strip()[:LONGEST_TEMPLATE].strip() or EMPTY


def slug_of(template: str) -> str:
    """Name of a signature in URLs: 12 hex digits of sha256(template)."""
    return hashlib.sha256(template.encode()).hexdigest()[:12]
