"""Which mode a log is read in, and how it is read where ranges or sorts do not hold."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone

from reconciler import service
from reconciler.demo import solr
from reconciler.hotwax.exceptions import HotWaxError
from reconciler.ledger.models import SyncState
from reconciler.ledger.sync import range_mode
from reconciler.ledger.sync.schedule import current_state, due
from reconciler.ledger.sync.syncer import Syncer, keys_of
from tests.clock import NOW
from tests.ledger.logs import Make, kept_ids, loaded, many
from tests.makers import document, envelope, solr_reply, static

pytestmark = pytest.mark.django_db


def test_a_server_that_repeats_one_page_for_ever_is_left_with_n_of_m(hotwax_of: Make) -> None:
    page = many(10)
    hotwax = hotwax_of(answer=static(envelope(page, found=100)))
    state = hotwax.sync()
    assert (state.kept, state.found, state.scan_complete) == (10, 100, False)
    assert len(hotwax.requests) < 12
    assert service.freshness().short


def test_a_server_that_caps_rows_is_read_to_the_end(hotwax_of: Make) -> None:
    documents = many(130)

    def answer(body: dict[str, Any]) -> httpx.Response:
        for where, name in ((body["json"], "limit"), (body["json"]["params"], "rows")):
            if name in where:
                where[name] = min(where[name], 50)
        return httpx.Response(200, json=solr.answer(documents, body["json"])[1])

    state = hotwax_of(answer=answer).sync()
    assert (len(kept_ids()), state.mode) == (130, "range")


NONSENSE: list[tuple[str, Callable[[list[Any], dict[str, Any]], list[Any]]]] = [
    ("ignores the range", lambda docs, q: sorted(docs, key=_time, reverse="desc" in q["sort"])),
    ("ignores the sort", lambda docs, q: sorted(_ranged(docs, q), key=lambda d: d["errorMessage"])),
    ("finds nothing", lambda docs, q: []),
]


def _time(raw: dict[str, Any]) -> str:
    return str(raw["timestamp"])


def _ranged(docs: list[Any], query: dict[str, Any]) -> list[Any]:
    return list(solr.answer(docs, {**query, "sort": None, "limit": 10_000})[1]["response"]["docs"])


@pytest.mark.parametrize(("name", "nonsense"), NONSENSE)
def test_a_server_that_answers_ranges_with_nonsense_is_read_page_by_page(
    name: str, nonsense: Callable[..., list[Any]], hotwax_of: Make
) -> None:
    documents = many(700)
    for i, raw in enumerate(documents):
        raw["errorMessage"] = f"error {i * 7919 % 700}"

    def answer(body: dict[str, Any]) -> httpx.Response:
        query = body["json"]
        if "filter" not in query:
            return httpx.Response(200, json=solr.answer(documents, query)[1])
        found = nonsense(documents, query)
        return httpx.Response(200, json=envelope(found[: query["limit"]], found=len(found)))

    state = hotwax_of(answer=answer).sync()
    assert state.mode == "compatible", name
    assert state.mode_reason
    assert (len(kept_ids()), state.kept, state.scan_complete) == (700, 700, True)


def test_a_server_that_refuses_to_sort_is_read_page_by_page(hotwax_of: Make) -> None:
    documents = many(30)

    def answer(body: dict[str, Any]) -> httpx.Response:
        if "filter" in body["json"]:
            error = {
                "responseHeader": {"status": 400},
                "error": {"msg": "undefined field", "code": 400},
            }
            return httpx.Response(400, json=error)
        return solr_reply(documents)(body)

    state = hotwax_of(answer=answer).sync()
    assert state.mode == "compatible"
    assert "undefined field" in state.mode_reason
    assert len(kept_ids()) == 30


def test_a_404_is_a_failure_and_no_reason_for_compatible_mode(hotwax_of: Make) -> None:
    hotwax = loaded(hotwax_of, many(5))
    hotwax.answer = lambda body: httpx.Response(404, html="<html>")
    with pytest.raises(HotWaxError):
        hotwax.step("catch_up")
    assert current_state().mode == "range"


def test_range_mode_is_tried_again_after_six_hours(hotwax_of: Make) -> None:
    documents = many(20)
    hotwax = hotwax_of(answer=static(envelope(documents)))
    assert hotwax.sync().mode == "compatible"
    SyncState.objects.update(mode_decided_at=NOW - timedelta(hours=7))
    assert due(current_state(), timezone.now()) == "first"
    hotwax.answer = solr_reply(documents)
    for step in ("first", "inside", "outside"):
        hotwax.step(step)
    assert current_state().mode == "range"


def test_a_block_longer_than_any_reply_is_read_in_parts(
    hotwax_of: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.hotwax.requests.BLOCK_ROWS", 700)
    documents = many(40)
    documents += [
        document(f"#b{i}", document_id=f"b{i:05d}", logged=NOW - timedelta(hours=1))
        for i in range(2500)
    ]
    held = solr_reply(documents)

    def answer(body: dict[str, Any]) -> httpx.Response:
        if "limit" in body["json"]:  # the server caps what it sends
            body["json"]["limit"] = min(body["json"]["limit"], 700)
        return held(body)

    state = hotwax_of(answer=answer).sync()
    assert kept_ids() == {d["document-id"] for d in documents}
    assert state.mode == "range"


def test_documents_of_a_long_block_that_come_twice_are_taken_once(hotwax_of: Make) -> None:
    second = NOW - timedelta(hours=1)
    block = [document(f"#b{i}", document_id=f"b{i:05d}", logged=second) for i in range(900)]
    parts = iter([block[:500], block[500:899] + block[:1], block[:500], block[500:]])

    def answer(body: dict[str, Any]) -> httpx.Response:
        return httpx.Response(200, json={**envelope([]), "response": page_of(next(parts))})

    def page_of(part: list[Any]) -> dict[str, Any]:
        return {"numFound": 900, "start": 0, "docs": part}

    hotwax = hotwax_of(answer=answer)
    with hotwax.client() as client:
        state = current_state()
        page = range_mode._long_block(Syncer(client, "test"), state, second)
    assert sorted(keys_of(page.documents)) == [raw["document-id"] for raw in block]
    assert len(page.documents) == 900
