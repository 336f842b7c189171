"""Signature -> category, retry advice and a plain sentence. Rules are rows.

errors.tsv holds the known error texts with their category, retry advice, cause and what support
does about them. A signature is known if its template is that of a known text, or contains it.
Others are classified by the words in their template, with cautious advice and without a sentence.
"""

import csv
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from reconciler.ledger.models import Category, Retry
from reconciler.ledger.signatures.rules import RULES

ERRORS = Path(__file__).resolve().parents[2] / "errors.tsv"


@dataclass(frozen=True)
class Classification:
    """What is known of an error. ``plain`` is "" where nobody wrote a sentence."""

    category: Category
    retry: Retry
    plain: str = ""
    cause: str = ""
    #: What support does about it, step by step: Markdown with the placeholders of runbooks.
    steps: tuple[str, ...] = ()


#: Words of a template, in lower case -> its classification; the first row that matches counts.
BY_WORDS: tuple[tuple[str, Classification], ...] = (
    ("duplicate entry", Classification(Category.DUPLICATE, Retry.CHECK_FIRST)),
    ("already exists", Classification(Category.DUPLICATE, Retry.CHECK_FIRST)),
    ("calls per second", Classification(Category.RATE_LIMIT, Retry.YES)),
    ("too many requests", Classification(Category.RATE_LIMIT, Retry.YES)),
    ("response 429", Classification(Category.RATE_LIMIT, Retry.YES)),
    ("status: 429", Classification(Category.RATE_LIMIT, Retry.YES)),
    ("response 401", Classification(Category.AUTHENTICATION, Retry.AFTER_FIX)),
    ("response 403", Classification(Category.AUTHENTICATION, Retry.AFTER_FIX)),
    ("status: 401", Classification(Category.AUTHENTICATION, Retry.AFTER_FIX)),
    ("status: 403", Classification(Category.AUTHENTICATION, Retry.AFTER_FIX)),
    ("access token", Classification(Category.AUTHENTICATION, Retry.AFTER_FIX)),
    ("credentials", Classification(Category.AUTHENTICATION, Retry.AFTER_FIX)),
    ("status: 50", Classification(Category.CONNECTION, Retry.YES)),
    ("response 50", Classification(Category.CONNECTION, Retry.YES)),
    ("timeout", Classification(Category.CONNECTION, Retry.YES)),
    ("timed out", Classification(Category.CONNECTION, Retry.YES)),
    ("connection refused", Classification(Category.CONNECTION, Retry.YES)),
    ("connection reset", Classification(Category.CONNECTION, Retry.YES)),
    ("deadlock", Classification(Category.DATABASE, Retry.YES)),
    ("lock wait", Classification(Category.DATABASE, Retry.YES)),
    ("data too long", Classification(Category.DATA, Retry.AFTER_FIX)),
    ("incorrect string value", Classification(Category.DATA, Retry.AFTER_FIX)),
)
UNKNOWN = Classification(Category.UNEXPECTED, Retry.CHECK_FIRST)


@cache
def known() -> dict[str, Classification]:
    """Return the known errors by template, the longest template first."""
    with ERRORS.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    classifications = {
        RULES.template_of(row["message"]): Classification(
            Category(row["category"]),
            Retry(row["retry"]),
            row["in plain words"],
            row["likely cause"],
            tuple(row["what support does"].split(" | ")),
        )
        for row in rows
    }
    return dict(sorted(classifications.items(), key=lambda item: (-len(item[0]), item[0])))


@lru_cache(maxsize=1024)
def classify(template: str) -> Classification:
    """Return what is known of a signature's template."""
    rows = known()
    if template in rows:
        return rows[template]
    # What went wrong often stands inside a text that names the service.
    inside = next((found for text, found in rows.items() if text in template), None)
    if inside:
        return inside
    words = template.casefold()
    return next((found for text, found in BY_WORDS if text in words), UNKNOWN)
