"""What signatures mask, kept as rows of an order's latest error."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.hotwax.documents import Reading, read_document
from reconciler.ledger.derive import derive_again
from reconciler.ledger.intake import upsert
from reconciler.ledger.models import FailedOrder, MaskedValue
from reconciler.ledger.queries import failed_orders
from reconciler.ledger.signatures.rules import RULES, SignatureRules
from reconciler.ledger.signatures.values import value_counts, values_in_error
from tests.clock import NOW
from tests.makers import document

ROWS = [
    ("Connection timeout", []),
    ("Product not found for SKU MUG-4417-BLU", [("sku", "MUG-4417-BLU")]),
    ("Product not found for SKU: MUG-4417-BLU.", [("sku", "MUG-4417-BLU.")]),
    ("Could not find ProductStore with ID [ STORE_EU ]", [("id", "STORE_EU")]),
    ("No payToPartyId set on ProductStore : STORE_EU", [("id", "STORE_EU")]),
    ("No Shopify order found for id: 5432109876", [("id", "5432109876")]),
    ("Order #1001 and LUNE#3127", [("order", "#1001"), ("order", "LUNE#3127")]),
    ("Duplicate entry '10231-X' for key 'A.PRIMARY'", [("value", "10231-X")]),
    ('Got "Maya Lund" as name', [("value", "Maya Lund")]),
    ("[orderId,M10231(java.lang.String)]", [("value", "M10231")]),
    ("mail to maya@example.co.uk failed", [("email", "maya@example.co.uk")]),
    ("since 2026-11-03T08:15:22Z", [("date", "2026-11-03T08:15:22Z")]),
    ("failed; status: 502 after 3 tries", [("n", "3")]),
    # What is masked in parts first is kept as HotWax wrote it.
    ("say 'order #1001 of 3' twice", [("value", "order #1001 of 3")]),
    ("Row 12ID x7 failed", [("n", "12"), ("id", "x7")]),
    # Once each; HotWax's own slots mask nothing.
    ("#1 and #1 and #2", [("order", "#1"), ("order", "#2")]),
    ("Product ‹sku› and #1", [("order", "#1")]),
    ("a key is hidden: https://x.y/z?key=\u2022", [("url", "https://x.y/z?key=\u2022")]),
    # Long ones are cut.
    ("Got '" + "x" * 300 + "' as name", [("value", "x" * 150 + "…")]),
]


@pytest.mark.parametrize(("text", "values"), ROWS)
def test_what_is_masked_is_found_by_kind(text: str, values: list[tuple[str, str]]) -> None:
    assert values_in_error(text, RULES) == values


@given(st.lists(st.sampled_from(["SKU A-1", "id: 77", "#1001", "'x 5'", "10.0.0.1", "or", "7 "])))
def test_the_values_put_back_into_the_template_are_the_text(words: list[str]) -> None:
    text = " ".join(" ".join(words).split())
    read = RULES.read(text)
    parts = read.template
    for kind, value in read.values:
        assert value in text
        parts = parts.replace(f"‹{kind}›", value, 1)
    if text:
        assert parts == text


def keep(*raws: dict[str, object], rules: SignatureRules = RULES) -> None:
    upsert([read_document(raw, "SHOPIFY_ORDER", Reading()) for raw in raws], NOW, rules)


def kept() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for order in FailedOrder.objects.all():
        rows = MaskedValue.objects.filter(order=order)
        found[order.order_name] = {f"{row.kind}:{row.text}" for row in rows}
    return found


def sku(name: str, sku: str, hours: int = 2, **more: str) -> dict[str, object]:
    logged = NOW - timedelta(hours=hours)
    return document(name, error=f"Product not found for SKU {sku}", logged=logged, **more)


@pytest.mark.django_db
@pytest.mark.parametrize("together", [True, False])
def test_the_latest_error_of_an_order_counts(together: bool) -> None:
    old, new = sku("#1", "A-1", 5, document_id="d1"), sku("#1", "B-2", 1, document_id="d2")
    for batch in [[new, old]] if together else [[new], [old]]:
        keep(*batch)
    assert kept() == {"#1": {"sku:B-2"}}
    keep(document("#1", document_id="d3", logged=NOW))
    assert kept() == {"#1": set()}


@pytest.mark.django_db
def test_the_same_document_again_changes_nothing() -> None:
    raw = sku("#1", "A-1", document_id="d1")
    keep(raw)
    before = set(MaskedValue.objects.values_list("pk", "text"))
    keep(raw)
    assert set(MaskedValue.objects.values_list("pk", "text")) == before


@pytest.mark.django_db
def test_what_was_kept_before_gets_its_values_when_the_rules_rise() -> None:
    plain = SignatureRules(version=1, rows=())
    keep(sku("#1", "A-1", document_id="d1"), sku("#2", "B-2", document_id="d2"), rules=plain)
    assert kept() == {"#1": set(), "#2": set()}
    assert derive_again(0, "SHOPIFY_ORDER", Reading(), RULES)
    assert kept() == {"#1": {"sku:A-1"}, "#2": {"sku:B-2"}}


def test_a_slot_that_hotwax_wrote_itself_stays_in_the_value() -> None:
    read = RULES.read("Unknown 'a ‹sku› 12 b' here")
    assert read.values == (("value", "'a ‹sku› 12 b'"),)


@pytest.mark.django_db
def test_how_many_values_there_are_is_told_though_not_all_are_counted() -> None:
    for n in range(3):
        raw = document(f"#{n}", document_id=f"d{n}", error=f"Product not found for SKU SKU-{n}")
        found = read_document(raw, "SHOPIFY_ORDER", Reading())
        upsert([found], NOW)  # type: ignore[list-item]
    rows, number = value_counts(failed_orders(), 2)
    assert (len(rows), number) == (2, 3)
    assert value_counts(failed_orders().none()) == ([], 0)
