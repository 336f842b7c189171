"""Signature -> category, whether a retry helps, and a plain sentence. Rules are rows.

errors.tsv holds the error texts that are known, with category, retry verdict, cause and what
support does about it. A signature is known when its template is a known text's, or contains one.
What is not known is sorted by the words in it, with a careful verdict and without a sentence.
"""

import csv
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from reconciler.ledger.models import Category, Retry
from reconciler.ledger.signatures.rules import template_of

ERRORS = Path(__file__).resolve().parents[2] / "errors.tsv"


@dataclass(frozen=True)
class Verdict:
    """What is known of a kind of error. ``plain`` is "" where nobody wrote a sentence."""

    category: Category
    retry: Retry
    plain: str = ""
    cause: str = ""
    #: What support does about it, step by step: Markdown with the placeholders of runbooks.
    steps: tuple[str, ...] = ()


#: Words of a template, in lower case -> verdict; the first row that fits counts.
BY_WORDS: tuple[tuple[str, Verdict], ...] = (
    ("duplicate entry", Verdict(Category.DUPLICATE, Retry.CHECK_FIRST)),
    ("already exists", Verdict(Category.DUPLICATE, Retry.CHECK_FIRST)),
    ("calls per second", Verdict(Category.RATE_LIMIT, Retry.YES)),
    ("too many requests", Verdict(Category.RATE_LIMIT, Retry.YES)),
    ("response 429", Verdict(Category.RATE_LIMIT, Retry.YES)),
    ("status: 429", Verdict(Category.RATE_LIMIT, Retry.YES)),
    ("response 401", Verdict(Category.AUTHENTICATION, Retry.AFTER_FIX)),
    ("response 403", Verdict(Category.AUTHENTICATION, Retry.AFTER_FIX)),
    ("status: 401", Verdict(Category.AUTHENTICATION, Retry.AFTER_FIX)),
    ("status: 403", Verdict(Category.AUTHENTICATION, Retry.AFTER_FIX)),
    ("access token", Verdict(Category.AUTHENTICATION, Retry.AFTER_FIX)),
    ("credentials", Verdict(Category.AUTHENTICATION, Retry.AFTER_FIX)),
    ("status: 50", Verdict(Category.CONNECTION, Retry.YES)),
    ("response 50", Verdict(Category.CONNECTION, Retry.YES)),
    ("timeout", Verdict(Category.CONNECTION, Retry.YES)),
    ("timed out", Verdict(Category.CONNECTION, Retry.YES)),
    ("connection refused", Verdict(Category.CONNECTION, Retry.YES)),
    ("connection reset", Verdict(Category.CONNECTION, Retry.YES)),
    ("deadlock", Verdict(Category.DATABASE, Retry.YES)),
    ("lock wait", Verdict(Category.DATABASE, Retry.YES)),
    ("data too long", Verdict(Category.DATA, Retry.AFTER_FIX)),
    ("incorrect string value", Verdict(Category.DATA, Retry.AFTER_FIX)),
)
UNKNOWN = Verdict(Category.UNEXPECTED, Retry.CHECK_FIRST)


@cache
def known() -> dict[str, Verdict]:
    """Read the known errors: template -> verdict, the longest template first."""
    with ERRORS.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    verdicts = {
        template_of(row["message"]): Verdict(
            Category(row["category"]),
            Retry(row["retry"]),
            row["in plain words"],
            row["likely cause"],
            tuple(row["what support does"].split(" | ")),
        )
        for row in rows
    }
    return dict(sorted(verdicts.items(), key=lambda item: (-len(item[0]), item[0])))


@lru_cache(maxsize=1024)
def verdict_of(template: str) -> Verdict:
    """Say what is known of a signature's template."""
    rows = known()
    if template in rows:
        return rows[template]
    # The service that failed is often named around what went wrong.
    inside = next((verdict for text, verdict in rows.items() if text in template), None)
    if inside:
        return inside
    words = template.casefold()
    return next((verdict for text, verdict in BY_WORDS if text in words), UNKNOWN)
