"""The sweep: late documents, and attempts that left the log."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from reconciler.hotwax.exceptions import HotWaxError
from reconciler.ledger.models import Attempt, FailedOrder, SyncState
from reconciler.ledger.sync.schedule import current_state
from reconciler.ledger.sync.syncer import documents_kept
from tests.clock import NOW
from tests.ledger.logs import Make, loaded, many
from tests.makers import document, envelope, solr_reply

pytestmark = pytest.mark.django_db


def test_late_documents_that_catching_up_missed_are_found_by_the_sweep(hotwax_of: Make) -> None:
    documents = many(700)
    hotwax = loaded(hotwax_of, documents)
    documents.append(document("#late", logged=NOW - timedelta(hours=9)))
    documents.append(document("#undated", document_id="u", timestamp=None))
    hotwax.step("catch_up")
    assert not FailedOrder.objects.filter(order_name="#late").exists()
    state = hotwax.sync()
    assert FailedOrder.objects.filter(order_name__in=["#late", "#undated"]).count() == 2
    assert state.overlap_seconds == 900
    assert state.kept == documents_kept() == 702


def test_what_left_is_marked_on_double_evidence_only(hotwax_of: Make) -> None:
    old = document("#old", document_id="old", logged=NOW - timedelta(days=61))
    documents = [
        *many(5),
        old,
        document("#pulled", document_id="p", logged=NOW - timedelta(days=3)),
    ]
    hotwax = loaded(hotwax_of, documents)
    gone = documents[-2:]
    del documents[-2:]
    state = hotwax.sync()
    reasons = dict(
        FailedOrder.objects.exclude(left_log_at=None).values_list("order_name", "left_log_reason")
    )
    assert reasons == {"#old": "expired", "#pulled": "removed"}
    assert (state.kept, state.found) == (5, 5)
    documents.extend(gone)  # it was a mistake: they are back
    state = hotwax.sync()
    assert not FailedOrder.objects.exclude(left_log_at=None).exists()
    assert (state.kept, state.found) == (7, 7)


def test_the_revision_rises_with_the_marks_even_if_the_scan_does_not_end(hotwax_of: Make) -> None:
    documents = [*many(5), document("#pulled", document_id="p", logged=NOW - timedelta(days=3))]
    documents.append(document("", document_id="q", logged=NOW - timedelta(days=3)))
    held = solr_reply(documents)

    def answer(body: dict[str, Any]) -> httpx.Response:
        filters = body["json"].get("filter", [""])
        if isinstance(filters[0], dict) and "document-id" in str(filters[0]):
            return httpx.Response(500, text="no")
        return held(body)

    hotwax = hotwax_of(answer=answer)
    hotwax.sync()
    del documents[-2:]
    before = current_state().revision
    with pytest.raises(HotWaxError):
        hotwax.sync()
    assert FailedOrder.objects.get(order_name="#pulled").left_log_reason == "removed"
    assert not current_state().scan_complete
    assert current_state().revision == before + 1


def test_nothing_is_marked_when_the_control_does_not_come_back(hotwax_of: Make) -> None:
    documents = many(5)
    held = solr_reply(documents)

    def answer(body: dict[str, Any]) -> httpx.Response:
        filters = body["json"].get("filter", [""])
        if isinstance(filters[0], dict):  # a look-up, in either form
            return httpx.Response(200, json=envelope([]))
        return held(body)

    hotwax = hotwax_of(answer=answer)
    hotwax.sync()
    documents.pop()
    hotwax.sync()
    assert not Attempt.objects.exclude(left_log_at=None).exists()


def test_nothing_is_marked_by_a_scan_that_broke_off(hotwax_of: Make) -> None:
    documents = many(1200)
    held = solr_reply(documents)
    broken: list[bool] = []

    def answer(body: dict[str, Any]) -> httpx.Response:
        if broken and "fields" in body["json"]:
            return httpx.Response(
                200, json={**envelope([]), "responseHeader": {"status": 0, "partialResults": True}}
            )
        return held(body)

    hotwax = hotwax_of(answer=answer)
    hotwax.sync()
    del documents[100:200]
    broken.append(True)
    with pytest.raises(HotWaxError):
        hotwax.sync()
    assert not Attempt.objects.exclude(left_log_at=None).exists()


def test_a_second_of_difference_calls_for_a_sweep_and_once_does_not(hotwax_of: Make) -> None:
    documents = many(5)
    hotwax = loaded(hotwax_of, documents)
    SyncState.objects.update(scan_ended_at=NOW - timedelta(hours=1))
    documents.append(document("#late", logged=NOW - timedelta(hours=9)))
    assert not hotwax.step("count").sweep_due
    assert hotwax.step("count").sweep_due


def test_documents_past_their_expiry_do_not_count_as_a_difference(hotwax_of: Make) -> None:
    documents = [*many(5), document("#old", logged=NOW - timedelta(days=60, minutes=5))]
    hotwax = loaded(hotwax_of, documents)
    documents.pop()
    assert hotwax.step("count").differs_times == 0


def test_documents_indexed_anew_and_deleted_during_a_scan_end_right(hotwax_of: Make) -> None:
    documents = many(1600)
    held = solr_reply(documents)
    moved: list[int] = []

    def answer(body: dict[str, Any]) -> httpx.Response:
        reply = held(body)
        if "filter" in body["json"] and len(moved) < 30:
            number = len(moved)
            moved.append(number)
            raw = documents[number * 37]  # indexed anew: it jumps to the end of the log
            documents[number * 37] = {
                **raw,
                "timestamp": f"{NOW - timedelta(seconds=200 - number):%Y-%m-%dT%H:%M:%SZ}",
            }
            del documents[number * 41 + 5]
        return reply

    hotwax = hotwax_of(answer=answer)
    while len(moved) < 30:
        hotwax.sync()
    state = hotwax.sync()  # now that it is quiet
    here = set(Attempt.objects.filter(left_log_at=None).values_list("document_key", flat=True))
    assert here == {d["document-id"] for d in documents}
    assert state.kept == documents_kept() == len(documents)
    assert state.found == len(documents)
    latest = {d["document-id"]: d["timestamp"] for d in documents}
    for key, logged in Attempt.objects.filter(
        logged_at__gte=NOW - timedelta(seconds=210)
    ).values_list("document_key", "logged_key"):
        if key in latest:
            assert logged[:19] == latest[key][:19]


def test_late_documents_widen_the_overlap_to_an_hour_at_most(hotwax_of: Make) -> None:
    documents = many(700)
    hotwax = loaded(hotwax_of, documents)
    seen = []
    for number in range(3):
        documents.append(document(f"#late{number}", logged=NOW - timedelta(hours=9 + number)))
        seen.append(hotwax.sync().overlap_seconds)
    assert seen == [900, 3600, 3600]
    assert current_state().mode == "range"
