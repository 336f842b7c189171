"""Documents -> rows: keys, attempts, roll-ups, whatever the order of arrival."""

import itertools
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from reconciler.hotwax.documents import Reading, read_document
from reconciler.ledger.intake import Intake, upsert
from reconciler.ledger.models import (
    Attempt,
    ErrorSignature,
    FailedOrder,
    Shop,
    ShopHost,
    UnreadableDocument,
)
from tests.makers import document

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def take(*raws: Any, seen_at: datetime = NOW, stores: dict[str, str] | None = None) -> Intake:
    reading = Reading(stores=stores or {})
    read = [read_document(raw, "SHOPIFY_ORDER", reading) for raw in raws]
    return upsert(read, seen_at)  # type: ignore[arg-type]


def hours(count: float) -> datetime:
    return NOW - timedelta(hours=count)


def ledger() -> list[tuple[Any, ...]]:
    """All that an order says, without our own ids and times."""
    columns = [
        f.attname
        for f in FailedOrder._meta.fields
        if f.attname not in ("id", "shop_id", "signature_id")
    ]
    rows = FailedOrder.objects.values_list("shop__key", "signature__slug", *columns)
    return sorted(rows, key=repr)


def test_a_document_becomes_an_order_with_one_attempt() -> None:
    raw = document("#1001", logged=hours(2), created=hours(4), error="Deadlock 7")
    result = take(raw)
    order = FailedOrder.objects.get()
    assert result.new_documents == 1
    assert (order.order_name, order.shop.name) == ("#1001", "hc-demo.myshopify.com")
    assert order.order_created_at == hours(4)
    assert order.last_failed_at == order.first_failed_at == hours(2)
    assert order.first_at == order.first_attempted_at == hours(4) + timedelta(minutes=10)
    assert order.expires_at == hours(2) + timedelta(days=60)
    assert order.signature.template == "Deadlock ‹n›"
    assert (order.attempt_count, order.state) == (1, "open")
    assert order.site_url == raw["site"]


def test_the_same_document_again_is_no_further_attempt() -> None:
    raw = document(logged=hours(2))
    take(raw)
    before = ledger()
    result = take(raw, seen_at=NOW + timedelta(minutes=1))
    assert (result.new_documents, result.changed) == (0, False)
    assert ledger() == before
    assert Attempt.objects.get().seen_last_at == NOW + timedelta(minutes=1)
    assert Attempt.objects.get().seen_first_at == NOW


def test_the_same_document_with_another_timestamp_is_a_further_attempt() -> None:
    take(document(document_id="d", logged=hours(3), error="first"))
    result = take(document(document_id="d", logged=hours(1), error="second"))
    order = FailedOrder.objects.get()
    assert result.new_documents == 0
    assert (order.attempt_count, order.error_excerpt) == (2, "second")
    assert (order.first_failed_at, order.last_failed_at) == (hours(3), hours(1))


def test_another_document_of_the_order_is_a_further_attempt() -> None:
    take(document("#1", logged=hours(3)), document("#1", logged=hours(1)))
    assert FailedOrder.objects.get().attempt_count == 2


def test_one_name_in_two_shops_is_two_orders() -> None:
    take(document("#1"), document("#1", host="other.myshopify.com", shop_id="77"))
    assert FailedOrder.objects.count() == 2


def test_hosts_that_share_a_shop_id_are_one_shop_if_they_may_speak_for_it() -> None:
    stores = {"www.lune.com": "hc-demo"}
    take(document("#1"), document("#2", host="www.lune.com"), stores=stores)
    shop = Shop.objects.get()
    assert shop.key == "83950764316"
    assert shop.name == "hc-demo.myshopify.com"
    assert set(ShopHost.objects.values_list("host", flat=True)) == {
        "www.lune.com",
        "hc-demo.myshopify.com",
    }


def test_a_foreign_host_does_not_join_a_shop() -> None:
    take(document("#1"), document("#2", host="evil.example"))
    assert set(Shop.objects.values_list("key", flat=True)) == {"83950764316", "evil.example"}


def test_a_document_that_changed_in_place_replaces_itself() -> None:
    take(document("#1", document_id="d", logged=hours(2), error="before"))
    take(document("#1", document_id="d", logged=hours(2), error="after"))
    assert Attempt.objects.count() == 1
    assert FailedOrder.objects.get().error_excerpt == "after"


def test_a_document_that_names_another_order_moves_there_and_leaves_no_empty_order() -> None:
    take(document("#1", document_id="d", logged=hours(2)))
    take(document("#2", document_id="d", logged=hours(2)))
    assert FailedOrder.objects.get().order_name == "#2"
    assert FailedOrder.objects.get().attempt_count == 1


def test_documents_without_name_or_timestamp_are_kept() -> None:
    nameless = document("", document_id="n", logged=hours(1))
    undated = document("#2", document_id="u", timestamp=None)
    take(nameless, undated)
    take(nameless, undated)
    assert Attempt.objects.count() == 2
    order = FailedOrder.objects.get(order_key="document:n")
    assert (order.order_name, order.name_sort_key) == ("", None)
    assert FailedOrder.objects.get(order_name="#2").last_failed_at is None


def test_what_cannot_be_read_is_kept_once_with_its_reason() -> None:
    result = take("text", None, "text", document("", **{"document-id": ""}))
    assert result.new_unreadable == UnreadableDocument.objects.count() == 3
    assert take("text").new_unreadable == 0


def test_two_handles_of_one_shop_give_one_name_in_either_order() -> None:
    old, new = document("#1", host="zebra.myshopify.com"), document("#2", host="ant.myshopify.com")
    take(old)
    take(new)
    assert Shop.objects.get().name == "ant.myshopify.com"


def test_an_order_is_counted_under_its_latest_error() -> None:
    take(
        document("#1", logged=hours(1), error="late"),
        document("#1", logged=hours(9), error="early"),
    )
    assert FailedOrder.objects.get().signature.template == "late"
    assert ErrorSignature.objects.count() == 2


@pytest.mark.parametrize("first", [0, 1])
def test_the_same_second_twice_is_decided_by_the_document_key(first: int) -> None:
    one = document("#1", document_id="a", logged=hours(1), error="of a")
    other = document("#1", document_id="b", logged=hours(1), error="of b")
    take((one, other)[first])
    take((one, other)[1 - first])
    assert FailedOrder.objects.get().error_excerpt == "of b"


def test_long_and_hostile_texts_are_kept_whole_and_shown_short() -> None:
    text = "<script>alert(1)</script> ${x} {!func} ‮ 😘 \x00 \ud800 " + "x" * 1_000_000
    take(document("#" + "9" * 5000, error=text, site="javascript:alert(1)"))
    order, attempt = FailedOrder.objects.get(), Attempt.objects.get()
    assert len(order.error_excerpt) <= 301
    assert len(attempt.error_text) == len(text)
    assert order.shop.key == "none"
    assert len(order.order_name) == 5001
    assert len(order.order_key) <= 200


def test_the_value_of_a_key_is_in_no_derived_text() -> None:
    take(document(error="see https://a.b/c?key=s3cret for more"))
    order = FailedOrder.objects.get()
    shown = f"{order.error_excerpt}{order.search_text}{order.signature.template}"
    assert "s3cret" not in shown + Attempt.objects.get().error_text


def _story() -> list[dict[str, Any]]:
    rng = random.Random(4)
    story = []
    for number in range(12):
        name = f"#{number % 5}" if number % 4 else ""
        raw = document(
            name,
            document_id=f"d{number % 9}",
            logged=hours(number + 1),
            error=f"error {number % 3} of {'abc'[number % 3]}",
            host=rng.choice(["a.myshopify.com", "b.myshopify.com", "c.example"]),
            shop_id=rng.choice(["1", "2"]),
        )
        if number == 7:
            del raw["timestamp"]
        story.append(raw)
    return story


class AnyOrderOfArrival(TestCase):  # type: ignore[misc]
    @settings(max_examples=25, deadline=None)
    @given(st.permutations(range(12)), st.lists(st.integers(1, 4), min_size=12, max_size=12))
    def test_rows_do_not_depend_on_the_order_of_arrival(
        self, order: list[int], sizes: list[int]
    ) -> None:
        story = _story()
        take(*story)
        expected = ledger()
        Attempt.objects.all().delete()
        FailedOrder.objects.all().delete()
        shuffled = iter([story[i] for i in order])
        for size in sizes:
            take(*itertools.islice(shuffled, size))
        assert ledger() == expected
