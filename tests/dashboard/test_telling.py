"""The value that an error is about stands out, and is not cut."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.telling import parted
from reconciler.ledger.models import FailedOrder
from reconciler.ledger.signatures.rules import RULES
from tests.dashboard.conftest import Open, Page
from tests.dashboard.test_acting import of_role
from tests.makers import document

Keep = Callable[..., None]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Product not found for SKU MUG-4417-BLU", "MUG-4417-BLU"),
        ("Product not found for SKU  MUG-1, try again", "MUG-1"),
        ("ERROR : Could not find ProductStore with ID [ STORE_EU ]", "STORE_EU"),
        ("No payToPartyId set on ProductStore : STORE_EU.", "STORE_EU"),
        ("Value found (with ids ADOC10231::customerId), cannot create", "ADOC10231"),
        ("No Shopify order found for id: 5432109876", "5432109876"),
        ("Product not found for SKU: MUG-1", "MUG-1"),
        ('Product not found for SKU 12"-PIPE', '12"-PIPE'),
        ("Product not found for SKU O'BRIEN-7", "O'BRIEN-7"),
        ("Product not found for SKU ‹sku› and SKU ABC", ""),
        ("Product not found for SKU TEE-2119-RE…", ""),
        ("Exceeded 4 calls per second for api client.", ""),
        ("Data too long for column 'ADDRESS1' at row 12", ""),
        ("Inserting: [orderId,M10231(java.lang.String)] failed", ""),
        ("Nothing differs here", ""),
        ("The customer 'Jo Doe' has no ID 77", "77"),
    ],
)
def test_the_most_telling_value_is_found(text: str, value: str) -> None:
    before, found, after = parted(RULES.read(text).template, text)
    assert found == value
    assert before + found + after == text


@given(st.text(max_size=80), st.sampled_from(["SKU {} is gone", "id: {}", "{}", "No '{}' in {}"]))
def test_no_character_is_lost(value: str, sentence: str) -> None:
    text = sentence.replace("{}", value)
    assert "".join(parted(RULES.read(text).template, text)) == text
    assert "".join(parted("Another ‹sku› template", text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "Orders " + ", ".join(f"#{1001 + n}" for n in range(900)) + " failed for SKU: ABC-1",
        "Orders " + ", ".join(f"#{100001 + n}" for n in range(900)) + " failed for SKU ABC-1",
        "id: " * 5000 + "x",
        "'" * 20_000,
        "SKU " * 5000,
    ],
)
def test_no_text_takes_long(text: str) -> None:
    template = RULES.read(text).template
    for shown in (text, text[:300], text[:300] + "…", text[::-1]):
        assert "".join(parted(template, shown)) == shown


def test_it_stands_out_on_every_page(keep: Keep, open_page: Open) -> None:
    keep(document("#1", error="Product not found for SKU <b>&TEE-1"))
    row = open_page("/orders/").root.one("td", data_column="error")
    assert row.one("b").text == "<b>&TEE-1"
    pk = FailedOrder.objects.get().pk
    page = open_page(f"/orders/{pk}/")
    assert page.root.one("pre", id="error-text").one("b").text == "<b>&TEE-1"
    sentence = page.root.one("p", data_verdict="unchecked").text
    assert "HotWax" in sentence
    slug = FailedOrder.objects.get().signature.slug
    error = open_page(f"/errors/{slug}/")
    assert error.root.one("pre", id="sample-1").one("b").text == "<b>&TEE-1"
    assert error.root.one("span", class_="telling-text").text == "<b>&TEE-1"


def test_the_correction_is_on_the_errors_page_alone(keep: Keep) -> None:
    keep(document("#1"))
    manager, order = of_role("priya", "Manager"), FailedOrder.objects.get()
    for path, forms in ((f"/orders/{order.pk}/", 0), (f"/errors/{order.signature.slug}/", 1)):
        page = Page(manager.get(path))
        assert len(page.root.all("select", id="correction-category")) == forms
    assert manager.post(f"/orders/{order.pk}/kind/").status_code == 404
