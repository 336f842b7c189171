"""Error text -> signature: the template that remains when what differs is taken out.

Rules are rows, applied in order. Words that carry meaning stay: names of services, parameters,
columns and keys, HTTP statuses.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from reconciler.hotwax.documents import clean

#: Texts are read up to here, and templates cut there, so that the time it takes is bounded.
LONGEST_TEXT, LONGEST_TEMPLATE = 20_000, 2_000
#: What one rule replaces may let an earlier one match: the rows are applied up to this often.
MOST_PASSES = 5
EMPTY = "(no error text)"

#: Pattern -> what stands for it. What is masked is the group `v`, or the whole match. No pattern
#: may look further than its own match needs, so that time grows with the length of a text and not
#: with its square.
ROWS: tuple[tuple[str, str], ...] = (
    (r"\s+", " "),
    # OFBiz prints an entity as [field,value(java.type)]: the field's name stays.
    (r"\[(\w{1,60}),(?P<v>[^\[\]]{1,500}?)\(java\.[\w.]{1,60}\)\]", r"[\1,‹value›]"),
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
    (r"\bSKU:? (?P<v>(?!‹)[^\s,;:()\[\]]+)", "SKU ‹sku›"),
    (r"\b(ID|id:) (\[ ?)?(?P<v>(?!‹)[^\s,;:()\[\]]+)", r"\1 \2‹id›"),
    (r"\b(ProductStore :|systemMessageRemoteId,) (?P<v>(?!‹)[^\s,;:()\[\]]+)", r"\1 ‹id›"),
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


class ReadError(NamedTuple):
    """An error text as the rules read it."""

    template: str
    #: What is masked, in the order of the template: the kind between ‹ and ›, and the text.
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class SignatureRules:
    """Rows of (pattern, replacement), and a version that is raised with every change of them."""

    version: int
    rows: tuple[tuple[str, str], ...]

    def template_of(self, error_text: str) -> str:
        """Return the template of an error text. It is never empty, and its own template."""
        return self.read(error_text).template

    def read(self, error_text: str) -> ReadError:
        """Return the template of an error text, and what is masked in it."""
        return _read(self, error_text[:LONGEST_TEXT])

    @cached_property
    def compiled(self) -> tuple[tuple[re.Pattern[str], str], ...]:
        """Return the rows with their patterns compiled."""
        return tuple((re.compile(pattern), token) for pattern, token in self.rows)


#: Raise the version with every change of ROWS, errors.tsv or the rules of classification: the
#: ledger then derives every row again.
RULES = SignatureRules(version=4, rows=ROWS)
_SLOT = re.compile("‹([a-z]+)›")
#: What a slot stands for; None for one that HotWax wrote itself.
_Masked = list[str | None]


@lru_cache(maxsize=1024)
def _read(rules: SignatureRules, error_text: str) -> ReadError:
    template = clean(error_text)
    masked: _Masked = [None for _ in _SLOT.finditer(template)]
    for _ in range(MOST_PASSES):
        before = template
        for pattern, token in rules.compiled:
            if "‹" in token:
                template, masked = _mask(pattern, token, template, masked)
            else:
                template = pattern.sub(token, template)
        template = template.strip()[:LONGEST_TEMPLATE].strip()
        if template == before:
            break
    kinds = _SLOT.findall(template)  # a slot may have been cut off
    values = ((kind, text) for kind, text in zip(kinds, masked, strict=False) if text is not None)
    return ReadError(template or EMPTY, tuple(values))


def _mask(
    pattern: re.Pattern[str], token: str, template: str, masked: _Masked
) -> tuple[str, _Masked]:
    """Replace what a pattern matches by its token, and note what that masks.

    ``masked`` holds what each slot of the template stands for. A match may take slots in.
    """
    pieces, found, done, slots = list[str](), _Masked(), 0, 0
    for match in pattern.finditer(template):
        between, whole = template[done : match.start()], match[0]
        kept = slots + len(_SLOT.findall(between))
        taken = kept + len(_SLOT.findall(whole))
        value = match["v"] if "v" in pattern.groupindex else whole
        found += masked[slots:kept]
        found.append(_as_written(value, masked[kept:taken]))
        pieces += between, match.expand(token)
        done, slots = match.end(), taken
    if not pieces:
        return template, masked
    return "".join([*pieces, template[done:]]), found + masked[slots:]


def _as_written(text: str, masked: _Masked) -> str:
    """Put back what the slots of a text stand for."""
    if not masked:
        return text
    behind = iter(masked)
    return _SLOT.sub(lambda slot: next(behind) or slot[0], text)


def slug_of(template: str) -> str:
    """Return the name of a signature in URLs: 12 hex digits of sha256(template)."""
    return hashlib.sha256(template.encode()).hexdigest()[:12]
