"""Error text -> signature, and what is known of a signature."""

import csv
import hashlib
import json
import random
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ledger.signatures.classification import BY_WORDS, classify
from reconciler.ledger.signatures.rules import EMPTY, RULES, slug_of

ROWS = [
    ("Connection timeout", "Connection timeout"),
    ("Connection\n\t timeout ", "Connection timeout"),
    ("No Shopify order found for id: 5432109876", "No Shopify order found for id: ‹id›"),
    ("Exceeded 2 calls per second", "Exceeded ‹n› calls per second"),
    ("at 08:15:22.119 today", "at ‹n› today"),
    ("on 2026-11-03 08:15:22.119 it failed", "on ‹date› it failed"),
    ("since 2026-11-03T08:15:22Z", "since ‹date›"),
    (
        "Could not find SystemMessageRemote with ID SHOP_10010",
        "Could not find SystemMessageRemote with ID ‹id›",
    ),
    (
        "ERROR : Could not find ProductStore with ID [ STORE_EU ]",
        "ERROR : Could not find ProductStore with ID [ ‹id› ]",
    ),
    (
        "No payToPartyId set on ProductStore : STORE_EU",
        "No payToPartyId set on ProductStore : ‹id›",
    ),
    ("order 3f0d5a52-8f4c-4d0e-9a57-1b6f2a5c7e90 failed", "order ‹uuid› failed"),
    ("Product not found for SKU MUG-4417-BLU", "Product not found for SKU ‹sku›"),
    ("Value found (with ids ADOC10231::customerId)", "Value found (with ids ‹id›::customerId)"),
    ("Order #1001 and LUNE#3127 and #HH88214", "Order ‹order› and ‹order› and ‹order›"),
    ("mail to maya@example.co.uk failed", "mail to ‹email› failed"),
    ("must be like: name@domain", "must be like: name@domain"),
    ("GET https://a.myshopify.com/admin/1.json failed", "GET ‹url› failed"),
    ("host 10.0.0.12 refused", "host ‹ip› refused"),
    ("hash 0x1f and 9b41c0ffee12", "hash ‹hex› and ‹hex›"),
    (
        r"Incorrect string value: '\xF0\x9F\x98\x98 hi' for column 'note' at row 1",
        "Incorrect string value: ‹bytes› for column 'note' at row ‹n›",
    ),
    (
        "Duplicate entry '10231-X' for key 'ORDER_IDENTIFICATION.PRIMARY'",
        "Duplicate entry ‹value› for key 'ORDER_IDENTIFICATION.PRIMARY'",
    ),
    ("[orderId,M10231(java.lang.String)]", "[orderId,‹value›]"),
    # Words that carry meaning stay.
    ("Service [createShopifyOrder] target", "Service [createShopifyOrder] target"),
    ("Data too long for column 'ADDRESS1'", "Data too long for column 'ADDRESS1'"),
    ("failed; status: 502", "failed; status: 502"),
    ("sent error response 401: no", "sent error response 401: no"),
    ("An unit price can't be lesser than zero", "An unit price can't be lesser than zero"),
    ("", EMPTY),
    (" \n", EMPTY),
    # What one rule replaces lets an earlier one match.
    ("Row 12ID x7 failed", "Row ‹n›ID ‹id› failed"),
    ('Got "Maya Lund" as name', "Got ‹value› as name"),
    # Texts are read up to 20,000 characters, and templates are cut at 2,000.
    ("x" + " " * 20_000 + "y", "x"),
    ("y" * 3_000, "y" * 2_000),
    # Known wrong answers: nothing tells where a SKU with blanks ends, and a name is not an id.
    ("Product not found for SKU BLUE MUG 4", "Product not found for SKU ‹sku› MUG ‹n›"),
    ("Customer Maya Lund not found", "Customer Maya Lund not found"),
]
ERRORS = Path(__file__).resolve().parents[2] / "reconciler" / "errors.tsv"
KNOWN = list(csv.DictReader(ERRORS.open(encoding="utf-8"), delimiter="\t", quoting=3))


@pytest.mark.parametrize(("text", "template"), ROWS)
def test_a_text_becomes_its_template(text: str, template: str) -> None:
    assert RULES.template_of(text) == template


def test_the_slug_is_twelve_digits_of_the_templates_hash() -> None:
    template = RULES.template_of("Connection timeout")
    assert slug_of(template) == hashlib.sha256(template.encode()).hexdigest()[:12]


@given(st.text())
def test_a_template_is_its_own_template_and_never_empty(text: str) -> None:
    template = RULES.template_of(text)
    assert template
    assert RULES.template_of(template) == template
    slug_of(template)


@given(st.lists(st.sampled_from([row[0] for row in ROWS]), max_size=5), st.text(max_size=5))
def test_also_of_texts_put_together(texts: list[str], glue: str) -> None:
    template = RULES.template_of(glue.join(texts))
    assert RULES.template_of(template) == template


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_texts_that_differ_only_in_numbers_share_a_signature(one: int, other: int) -> None:
    text = "No Shopify order found for id: {} at row {}"
    assert RULES.template_of(text.format(one, other)) == RULES.template_of(text.format(other, one))


@pytest.mark.parametrize(
    "unit", ["a", " ", "1", "-", "deadbeef-", "‹", "1.", "0-9:", "'\\x", "a@", "a1", "[a,", "A#"]
)
def test_a_text_of_a_megabyte_is_no_trouble(unit: str) -> None:
    began = time.monotonic()
    RULES.template_of(unit * (1_000_000 // len(unit)))
    assert time.monotonic() - began < 20  # a catastrophic pattern would take hours


def varied(text: str, rng: random.Random) -> str:
    """Another occurrence of the same error; imports nothing of what it checks."""
    number = str(rng.randrange(10**4, 10**9))
    day = f"20{rng.randrange(10, 99)}-0{rng.randrange(1, 9)}-1{rng.randrange(9)}"
    sku = "".join(rng.choices("ABCDEFGHXYZ", k=3)) + f"-{rng.randrange(9999)}-" + number
    emoji = "".join(rng.choices([r"\xF0", r"\x9F", r"\x98", r"\xE2"], k=rng.randrange(1, 9)))
    for found, other in (
        ("MUG-4417-BLU", sku),
        ("STORE_EU", rng.choice(["STORE_US", "UK", "10000", "store-" + number])),
        ("SHOP_10010", f"SHOP_{number}"),
        ("M10231", f"M{number}"),
        ("ADOC10231", f"ADOC{number}"),
        ("10231-", f"{number}-"),
        ("5432109876", number),
        ("2026-11-03", day),
        ("08:15:22.119", f"1{rng.randrange(9)}:15:0{rng.randrange(9)}.{rng.randrange(100, 999)}"),
        (r"\xF0\x9F\x98\x98", emoji),
        ("row 1", f"row {number}"),
        ("Exceeded 2", f"Exceeded {rng.randrange(1, 40)}"),
    ):
        text = text.replace(found, other)
    return text


def test_ten_thousand_texts_make_as_many_signatures_as_there_are_errors() -> None:
    def signatures() -> set[str]:
        rng = random.Random(7)
        texts = [varied(rng.choice(KNOWN)["message"], rng) for _ in range(10_000)]
        assert len(set(texts)) > 2_500
        return {slug_of(RULES.template_of(text)) for text in texts}

    assert len(signatures()) == len({row["message"] for row in KNOWN})
    assert signatures() == signatures()


@pytest.mark.parametrize("row", KNOWN, ids=lambda row: re.sub(r"\W+", " ", row["message"])[:40])
def test_of_a_known_error_category_retry_and_a_sentence_are_known(row: dict[str, str]) -> None:
    rng = random.Random(row["message"])
    for text in (row["message"], varied(row["message"], rng), f"Job 7 failed: {row['message']}"):
        verdict = classify(RULES.template_of(text))
        assert (verdict.category, verdict.retry) == (row["category"], row["retry"]), text
        assert verdict.plain == row["in plain words"]


@pytest.mark.parametrize(
    ("text", "category", "retry"),
    [
        ("A DUPLICATE entry", "duplicate", "check_first"),
        ("The order already exists", "duplicate", "check_first"),
        ("No more calls per second", "rate_limit", "yes"),
        ("Too many requests", "rate_limit", "yes"),
        ("It sent response 429", "rate_limit", "yes"),
        ("Shopify said: status: 429", "rate_limit", "yes"),
        ("It sent response 401", "authentication", "after_fix"),
        ("It sent response 403", "authentication", "after_fix"),
        ("Shopify said: status: 401", "authentication", "after_fix"),
        ("Shopify said: status: 403", "authentication", "after_fix"),
        ("An access token is missing", "authentication", "after_fix"),
        ("Wrong credentials", "authentication", "after_fix"),
        ("HotWax call: status: 503", "connection", "yes"),
        ("It sent response 502", "connection", "yes"),
        ("Timeout of the pool", "connection", "yes"),
        ("Connection refused", "connection", "yes"),
        ("Connection reset by peer", "connection", "yes"),
        ("A deadlock", "database", "yes"),
        ("Lock wait exceeded", "database", "yes"),
        ("Data too long for it", "data", "after_fix"),
        ("Incorrect string value", "data", "after_fix"),
        ("Read timed out", "connection", "yes"),
        ("Lock wait timeout exceeded", "connection", "yes"),  # known wrong: database
        ("java.lang.NullPointerException", "unexpected", "check_first"),
        ("", "unexpected", "check_first"),
    ],
)
def test_what_nobody_knows_is_sorted_by_its_words(text: str, category: str, retry: str) -> None:
    verdict = classify(RULES.template_of(text))
    assert (verdict.category, verdict.retry, verdict.plain) == (category, retry, "")


#: Of each version of the rules, the hash of everything that decides signature and classification.
VERSIONS = {4: "a99b6c7fb299"}


def test_no_two_known_errors_share_a_sentence() -> None:
    sentences = [row["in plain words"] for row in KNOWN]
    assert len(set(sentences)) == len(sentences)


def test_the_version_rises_with_the_rules_and_with_what_is_known_of_errors() -> None:
    words = [(text, str(known.category), str(known.retry)) for text, known in BY_WORDS]
    decisive = json.dumps([RULES.rows, words, ERRORS.read_text(encoding="utf-8")])
    found = hashlib.sha256(decisive.encode()).hexdigest()[:12]
    assert VERSIONS.get(RULES.version) == found, f"raise the version, and note {found} for it"
