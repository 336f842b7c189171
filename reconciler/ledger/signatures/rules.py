"""Error text -> signature: the template that remains when what differs is taken out.

Rules are rows, applied in order. Words that carry meaning stay: names of services, parameters,
columns and keys, HTTP statuses.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from reconciler.hotwax.documents import clean

#: Texts are read up to here, and templates cut there, so that the time it takes is bounded.
LONGEST_TEXT, LONGEST_TEMPLATE = 20_000, 2_000
#: What one rule replaces may let an earlier one match: the rows are applied up to this often.
MOST_PASSES = 5
EMPTY = "(no error text)"

#: Pattern -> what stands for it. No pattern may look further than its own match needs, so that
#: time grows with the length of a text and not with its square.
ROWS: tuple[tuple[str, str], ...] = (
    (r"\s+", " "),
    # OFBiz prints an entity as [field,value(java.type)]: the field's name stays.
    (r"\[(\w{1,60}),[^\[\]]{1,500}?\(java\.[\w.]{1,60}\)\]", r"[\1,‹value›]"),
    # MySQL prints bytes that a column cannot hold.
    (r"'(?:[^'\\]|\\(?!x)){0,200}\\x[0-9A-Fa-f]{2}[^']{0,500}'", "‹bytes›"),
    (r"\bhttps?://[^\s\"'<>)\]]+", "‹url›"),
    (r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.)+[A-Za-z]{2,24}\b", "‹email›"),
    (r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b", "‹uuid›"),
    (
        r"\b\d{4}-\d\d-\d\d"
        r"(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?(?![\w-])",
        "‹date›",
    ),
    (r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])", "‹ip›"),
    # Context says what follows, whatever it looks like.
    (r"\bSKU:? (?!‹)[^\s,;:()\[\]]+", "SKU ‹sku›"),
    (r"\b(ID|id:) (\[ ?)?(?!‹)[^\s,;:()\[\]]+", r"\1 \2‹id›"),
    (r"\b(ProductStore :|systemMessageRemoteId,) (?!‹)[^\s,;:()\[\]]+", r"\1 ‹id›"),
    # A name after one of these words is part of the schema, and a quoted word of prose is none.
    (r"(?<![\w›])(?<!column )(?<!key )(?<!table )(?<!field )'[^']{1,500}'(?!\w)", "‹value›"),
    (r"(?<![\w›])(?<!column )(?<!key )(?<!table )(?<!field )\"[^\"]{1,500}\"(?!\w)", "‹value›"),
    # Order names, with or without a prefix; then identifiers such as SHOP_10010 or ADOC10231.
    (r"(?<![\w#&])[A-Za-z]{0,12}#[A-Za-z]{0,6}-?\d{1,18}\b", "‹order›"),
    (r"(?<![\w-])[A-Z]{1,12}[_-]?\d{3,18}(?![\w-])", "‹id›"),
    (r"\b0x[0-9a-fA-F]{1,64}\b", "‹hex›"),
    (r"(?<!\w)(?=[a-f]{0,39}\d)(?=\d{0,39}[a-f])[0-9a-f]{8,64}(?!\w)", "‹hex›"),
    (r"(?i)(?<=\bstatus: )([1-5]\d\d)\b", r"⟦\1⟧"),
    (r"(?i)(?<=\bresponse )([1-5]\d\d)\b", r"⟦\1⟧"),
    (r"(?i)(?<=\bHTTP )([1-5]\d\d)\b", r"⟦\1⟧"),
    (r"(?<![^\W_])(?<!⟦)\d+(?:[.,:]\d+)*", "‹n›"),
    (r"⟦(\d{3})⟧", r"\1"),
)


@dataclass(frozen=True, eq=False)
class SignatureRules:
    """Rows of (pattern, replacement), and a version that is raised with every change of them."""

    version: int
    rows: tuple[tuple[str, str], ...]

    def template_of(self, error_text: str) -> str:
        """Return the template of an error text. It is never empty, and its own template."""
        return _template_of(self, error_text[:LONGEST_TEXT])

    @cached_property
    def compiled(self) -> tuple[tuple[re.Pattern[str], str], ...]:
        """Return the rows with their patterns compiled."""
        return tuple((re.compile(pattern), token) for pattern, token in self.rows)


#: Raise the version with every change of ROWS, errors.tsv or the rules of classification: the
#: ledger then derives every row again.
RULES = SignatureRules(version=3, rows=ROWS)


@lru_cache(maxsize=1024)
def _template_of(rules: SignatureRules, error_text: str) -> str:
    template = clean(error_text)
    for _ in range(MOST_PASSES):
        before = template
        for pattern, token in rules.compiled:
            template = pattern.sub(token, template)
        template = template.strip()[:LONGEST_TEMPLATE].strip()
        if template == before:
            break
    return template or EMPTY


def slug_of(template: str) -> str:
    """Return the name of a signature in URLs: 12 hex digits of sha256(template)."""
    return hashlib.sha256(template.encode()).hexdigest()[:12]
