"""The first load: what is asked first, what is kept, how it goes on after a kill."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone

from reconciler import service
from reconciler.demo import solr
from reconciler.hotwax.exceptions import HotWaxError
from reconciler.ledger.models import FailedOrder
from reconciler.ledger.sync.schedule import current_state, due
from reconciler.ledger.sync.syncer import documents_kept
from tests.clock import NOW
from tests.ledger.logs import Make, kept_ids, loaded, many
from tests.makers import SAMPLE, document, envelope, static

pytestmark = pytest.mark.django_db


def test_everything_is_loaded_and_a_second_run_changes_nothing(hotwax_of: Make) -> None:
    documents = [*many(1300), document("#undated", document_id="u", timestamp=None)]
    hotwax = hotwax_of(documents)
    state = hotwax.sync()
    assert kept_ids() == {d["document-id"] for d in documents}
    assert (state.mode, state.kept, state.found) == ("range", 1301, 1301)
    assert state.kept == documents_kept()
    before = list(FailedOrder.objects.order_by("pk").values())
    state = hotwax.sync()
    assert list(FailedOrder.objects.order_by("pk").values()) == before
    assert (state.kept, state.scan_complete) == (1301, True)


def test_the_first_load_goes_on_where_it_was_killed(hotwax_of: Make) -> None:
    documents = many(2600)
    hotwax = hotwax_of(documents)
    current_state()
    steps = []
    while (step := due(current_state(), timezone.now())) not in (None, "count", "sweep"):
        hotwax.step(step)  # each step with a syncer of its own, as after a kill
        steps.append(step)
        assert len(steps) < 30
    assert kept_ids() == {d["document-id"] for d in documents}
    assert steps[:3] == ["first", "inside", "outside"]
    assert steps.count("dated") == 6


def test_the_newest_come_first(hotwax_of: Make) -> None:
    documents = list(reversed(many(3000)))  # Solr holds them in any order
    hotwax = hotwax_of(documents)
    for step in ("first", "inside", "outside", "dated"):
        hotwax.step(step)
    newest = {d["document-id"] for d in sorted(documents, key=lambda d: d["timestamp"])[-500:]}
    assert newest <= kept_ids()


def test_the_first_reply_holds_the_newest(hotwax_of: Make) -> None:
    documents = many(3000)
    hotwax_of(documents).step("first")
    newest = {d["document-id"] for d in sorted(documents, key=lambda d: d["timestamp"])[-500:]}
    assert kept_ids() == newest


def test_an_empty_log_decides_nothing_and_is_no_failure(hotwax_of: Make) -> None:
    documents: list[Any] = []
    hotwax = hotwax_of(documents)
    state = hotwax.sync()
    assert (state.mode, state.found, state.step) == ("", 0, "first")
    assert service.freshness().state == "live"
    documents.extend(many(3))
    assert hotwax.sync().mode == "range"
    assert len(kept_ids()) == 3


def test_the_documented_sample_as_a_static_answer(hotwax_of: Make) -> None:
    hotwax = hotwax_of(answer=static(envelope([SAMPLE])))
    state = hotwax.sync()
    assert FailedOrder.objects.get().order_name == "#10101011010"
    assert (state.mode, state.kept, state.found) == ("compatible", 1, 1)
    assert "outside" in state.mode_reason
    assert len(hotwax.requests) < 6
    assert service.freshness().state == "live"
    assert due(state, timezone.now()) is None


def test_fields_are_asked_under_the_names_they_were_seen(hotwax_of: Make) -> None:
    raw = {f"{key}_dt" if key == "timestamp" else key: v for key, v in document().items()}
    seen = []

    def answer(body: dict[str, Any]) -> httpx.Response:
        seen.append(json.dumps(body))
        return httpx.Response(200, json=envelope([raw]))

    hotwax = hotwax_of(answer=answer)
    hotwax.step("first")
    hotwax.step("inside")
    assert "timestamp_dt:[" in seen[1]


def test_documents_without_a_name_are_looked_up_by_their_id(hotwax_of: Make) -> None:
    documents = [*many(5), document("", document_id="nameless", logged=NOW - timedelta(days=2))]
    hotwax = loaded(hotwax_of, documents)
    documents.pop()
    state = hotwax.sync()
    assert FailedOrder.objects.get(order_name="").left_log_reason == "removed"
    assert (state.kept, state.found) == (5, 5)


@pytest.mark.parametrize("alias", ["docType_s", "docType_txt"])
def test_a_log_whose_doc_type_has_another_name_is_read(alias: str, hotwax_of: Make) -> None:
    documents = [{alias if k == "docType" else k: v for k, v in d.items()} for d in many(30)]

    def answer(body: dict[str, Any]) -> httpx.Response:
        query = body["json"]["params"]["q"]
        if query.startswith("docType:"):
            error = {"msg": "undefined field docType", "code": 400}
            return httpx.Response(400, json={"responseHeader": {"status": 400}, "error": error})
        plain = [{"docType" if k == alias else k: v for k, v in d.items()} for d in documents]
        body["json"]["params"]["q"] = query.replace(alias, "docType")
        reply = solr.answer(plain, body["json"])[1]
        ids = [d["document-id"] for d in reply["response"]["docs"]]
        by_id = {d["document-id"]: d for d in documents}
        reply["response"]["docs"] = [by_id[i] for i in ids]
        return httpx.Response(200, json=reply)

    state = hotwax_of(answer=answer).sync()
    assert (len(kept_ids()), state.mode, state.doc_type_field) == (30, "range", alias)


def test_a_core_without_any_doc_type_is_told(hotwax_of: Make) -> None:
    def answer(body: dict[str, Any]) -> httpx.Response:
        if body["json"]["params"]["q"] == "*:*":
            return httpx.Response(200, json=envelope([{"id": "1", "colour": "red"}]))
        return httpx.Response(400, json={"error": {"msg": "undefined field docType", "code": 400}})

    with pytest.raises(HotWaxError, match="does not know the field docType"):
        hotwax_of(answer=answer).sync()
    assert service.freshness().state == "down"
