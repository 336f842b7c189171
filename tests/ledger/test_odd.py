"""Odd logs and odd replies, each found by somebody who tried to break us."""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.test import Client as Browser
from django.utils import timezone

from reconciler import service
from reconciler.demo import solr
from reconciler.hotwax.exceptions import HotWaxError
from reconciler.ledger.models import Attempt, FailedOrder, SyncState, UnreadableDocument
from reconciler.ledger.sync.schedule import current_state
from tests.clock import NOW
from tests.conftest import HotWax
from tests.makers import document, envelope, solr_reply, static

pytestmark = pytest.mark.django_db
Make = Callable[..., HotWax]


def many(count: int) -> list[dict[str, Any]]:
    return [
        document(f"#{i}", document_id=f"d{i}", logged=NOW - timedelta(minutes=i + 6))
        for i in range(count)
    ]


def test_a_sweep_keeps_what_cannot_be_read(hotwax_of: Make) -> None:
    bad = document("", logged=NOW - timedelta(hours=1), **{"document-id": None, "note": "x"})
    hotwax = hotwax_of([*many(5), bad])
    for _ in range(2):
        state = hotwax.sync()
        assert UnreadableDocument.objects.get().left_log_at is None
        assert (state.kept, state.found, state.unreadable) == (6, 6, 1)
        assert state.scan_complete


def test_a_hotwax_slower_than_our_interval_is_read_to_the_end(
    hotwax_of: Make, settings: Any
) -> None:
    settings.HOTWAX_FRESH_SECONDS = 0.01
    held = solr_reply(many(1200))

    def slow(body: dict[str, Any]) -> httpx.Response:
        time.sleep(0.03)
        return held(body)

    hotwax = hotwax_of(answer=slow)
    state = hotwax.sync()
    assert (state.kept, state.scan_complete) == (1200, True)
    assert len(hotwax.requests) < 60


def test_undated_documents_of_another_type_are_paged_over(hotwax_of: Make) -> None:
    foreign = [
        document(f"#f{i}", document_id=f"f{i}", docType="OTHER", timestamp=None)
        for i in range(1100)
    ]
    documents = [*many(20), *foreign]

    def ignores_q(body: dict[str, Any]) -> httpx.Response:
        body["json"]["params"]["q"] = "*:*"
        return httpx.Response(200, json=solr.answer(documents, body["json"])[1])

    hotwax = hotwax_of(answer=ignores_q)
    hotwax.sync()
    assert Attempt.objects.count() == 20
    assert len(hotwax.requests) < 30


def nested(depth: int) -> str:
    body = envelope([document("#1"), document("#deep", document_id="deep", errorMessage="@")])
    import json

    return json.dumps(body).replace('"@"', "[" * depth + '"x"' + "]" * depth)


ODD: list[tuple[str, Callable[[dict[str, Any]], httpx.Response]]] = [
    ("the year 9999", static(envelope([document(timestamp="9999-12-31T23:59:59.500Z")]))),
    ("the year 1", static(envelope([document(expire_at="0001-01-01T00:00:00Z")]))),
    ("expires never", static(envelope([document(expire_at="9999-12-31T23:59:59Z")]))),
    ("lists in lists", static(nested(480))),
    ("lists in lists in lists", static(nested(700))),
    ("an unknown field nested deeply", static(nested(600).replace("errorMessage", "colour"))),
    ("a huge numFound", static(envelope([document()], found=10**30))),
    (
        "a location that is no address",
        lambda b: httpx.Response(302, headers={"Location": "http://[bad"}),
    ),
    ("numFound true", static({"response": {"numFound": True, "docs": []}})),
    ("documents null", static({"response": {"numFound": 1, "docs": None}})),
    ("an object for a document", static(envelope([{"a": {"b": {}}}]))),
]


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati"])
@pytest.mark.parametrize(("name", "answer"), ODD, ids=[o[0] for o in ODD])
def test_an_odd_reply_ends_neither_the_watcher_nor_a_page(
    name: str, answer: Any, zone: str, hotwax_of: Make, browser: Browser, settings: Any
) -> None:
    settings.TIME_ZONE = zone
    hotwax = hotwax_of(answer=answer)
    with suppress(HotWaxError):
        hotwax.sync()
    SyncState.objects.update(heartbeat_at=timezone.now())
    paths = ["/orders/?view=all", "/status/", "/orders/export.csv?view=all"]
    paths += [f"/orders/{order.pk}/" for order in FailedOrder.objects.all()]
    for path in paths:
        assert browser.get(path).status_code == 200


def test_one_sweep_looks_for_a_watermark_that_is_gone_and_no_more(hotwax_of: Make) -> None:
    documents = many(30)
    hotwax = hotwax_of(documents)
    hotwax.sync()
    hotwax.step("catch_up")
    del documents[0]
    assert hotwax.step("catch_up").sweep_due
    hotwax.sync()
    assert not hotwax.step("catch_up").sweep_due


def test_a_scan_that_saw_fewer_than_hotwax_counts_is_not_complete(hotwax_of: Make) -> None:
    documents = many(600)
    undated = [document(f"#u{i}", document_id=f"u{i}", timestamp=None) for i in range(3)]
    held = solr_reply([*documents, *undated])

    def hides_undated(body: dict[str, Any]) -> httpx.Response:
        if "(*:* -" in str(body["json"].get("filter")):
            return httpx.Response(200, json=envelope([]))
        return held(body)

    hotwax = hotwax_of(answer=hides_undated)
    SyncState.objects.all().delete()
    current_state()
    SyncState.objects.update(step="dated", mode="range", watermark=NOW, caught_up_at=NOW)
    state = hotwax.sync()
    assert (state.kept, state.found, state.scan_complete) == (600, 603, False)
    assert service.freshness().short
    assert not Attempt.objects.exclude(left_log_at=None).exists()


def test_a_method_that_stops_working_is_replaced(hotwax_of: Make) -> None:
    hotwax = hotwax_of(many(3))
    hotwax.sync()
    assert current_state().method == "GET"
    answer = hotwax.answer
    real = hotwax.handle

    def only_post(request: httpx.Request) -> httpx.Response:
        return real(request) if request.method == "POST" else httpx.Response(405, html="<html>")

    hotwax.handle = only_post  # type: ignore[method-assign]
    hotwax.answer = answer
    hotwax.sync()
    assert current_state().method == "POST"


def test_a_page_keeps_to_the_method_that_the_settings_name(hotwax_of: Make, settings: Any) -> None:
    hotwax = hotwax_of(many(3))
    hotwax.sync()
    settings.HOTWAX_METHOD = "POST"
    seen = []
    real = hotwax.handle

    def noting(request: httpx.Request) -> httpx.Response:
        seen.append(request.method)
        return real(request)

    hotwax.handle = noting  # type: ignore[method-assign]
    SyncState.objects.update(asked_at=None, caught_up_at=None)
    hotwax.page()
    assert seen == ["POST"]


def test_a_shard_that_is_away_is_no_reason_for_compatible_mode(hotwax_of: Make) -> None:
    hotwax = hotwax_of(many(3))
    hotwax.sync()
    hotwax.answer = static({"error": {"msg": "no servers hosting shard", "code": 503}})
    with pytest.raises(HotWaxError, match="no servers hosting shard"):
        hotwax.step("catch_up")
    assert current_state().mode == "range"


def test_a_server_that_echoes_the_token_does_not_make_us_show_it(
    hotwax_of: Make, browser: Browser, settings: Any
) -> None:
    settings.HOTWAX_TOKEN = "TOPSECRET123"
    hotwax = hotwax_of(
        answer=static({"error": {"msg": "bad header: Bearer TOPSECRET123", "code": 400}}, 400)
    )
    with pytest.raises(HotWaxError) as caught:
        hotwax.sync()
    assert "TOPSECRET123" not in str(caught.value)
    assert "TOPSECRET123" not in browser.get("/status/").content.decode()


def test_a_shop_is_found_by_each_of_its_facets(
    hotwax_of: Make, browser: Browser, settings: Any
) -> None:
    settings.SHOPIFY_STORES = {"shop.acme.com": "AcmeStore"}
    documents = [
        document("#1", host="shop.acme.com", shop_id="5"),
        document("#2", host="b.myshopify.com", shop_id="7"),
        document("#3", host="a.myshopify.com", shop_id="7"),
        document("#4", host="b.myshopify.com", shop_id="orders"),
    ]
    hotwax_of(documents).sync()
    shops = service.shop_counts(service.failed_orders(), 0)
    for value in shops:
        assert service.failed_orders().of_shops([value.value]).count() == value.count
    assert "acmestore.myshopify.com" in {value.value for value in shops}
