"""The syncer against a HotWax behind a mock transport: what it asks, keeps and remembers."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import httpx
import pytest
from django.db.models import F
from django.utils import timezone

from reconciler import service
from reconciler.demo import solr
from reconciler.hotwax.exceptions import HotWaxError
from reconciler.ledger.models import Attempt, FailedOrder, SyncState
from reconciler.ledger.sync import lease, range_mode
from reconciler.ledger.sync.schedule import current_state, due
from reconciler.ledger.sync.source import AnotherHotWax
from reconciler.ledger.sync.syncer import Syncer, documents_kept, keys_of
from reconciler.ledger.sync.watcher import Answer, ask_now, take_step
from tests.clock import NOW
from tests.conftest import HotWax
from tests.makers import SAMPLE, document, envelope, solr_reply, static

pytestmark = pytest.mark.django_db
Make = Callable[..., HotWax]


def many(count: int, **others: Any) -> list[dict[str, Any]]:
    """One document every 90 seconds, the latest five minutes ago."""
    return [
        document(
            f"#{i}",
            document_id=f"d{i:05d}",
            logged=NOW - timedelta(seconds=300 + 90 * (count - i)),
            **others,
        )
        for i in range(count)
    ]


def kept_ids() -> set[str]:
    return set(Attempt.objects.values_list("document_key", flat=True))


# --------------------------------------------------------------------------------- first load


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


# ------------------------------------------------------------------------------------ keeping up


def loaded(hotwax_of: Make, documents: list[Any]) -> HotWax:
    hotwax = hotwax_of(documents)
    hotwax.sync()
    return hotwax


def test_catching_up_asks_a_small_range_and_finds_what_is_new(hotwax_of: Make) -> None:
    documents = many(600)
    hotwax = loaded(hotwax_of, documents)
    documents.append(document("#new", document_id="new", logged=NOW))
    hotwax.requests.clear()
    state = hotwax.step("catch_up")
    (request,) = hotwax.requests
    since = f"{NOW - timedelta(seconds=390 + 300):%Y-%m-%dT%H:%M:%S}.000Z"
    assert request["json"]["filter"] == [f"timestamp:[{since} TO *]"]
    assert (request["json"]["sort"], request["json"]["limit"]) == ("timestamp asc", 500)
    assert FailedOrder.objects.filter(order_name="#new").exists()
    assert state.watermark == NOW


def test_a_document_that_becomes_visible_late_is_found_within_the_overlap(hotwax_of: Make) -> None:
    documents = many(20)
    hotwax = loaded(hotwax_of, documents)
    documents.append(document("#late", logged=NOW - timedelta(seconds=390 + 200)))
    hotwax.step("catch_up")
    assert FailedOrder.objects.filter(order_name="#late").exists()


def test_a_document_dated_2099_does_not_stop_the_feed(hotwax_of: Make) -> None:
    documents = [*many(5), document("#2099", logged=datetime(2099, 1, 1, tzinfo=UTC))]
    hotwax = loaded(hotwax_of, documents)
    state = hotwax.step("catch_up")
    assert state.watermark is not None
    assert state.watermark <= timezone.now()
    documents.append(document("#after", logged=datetime.now(UTC)))
    hotwax.step("catch_up")
    assert FailedOrder.objects.filter(order_name="#after").exists()


def test_catching_up_over_many_pages_misses_nothing(hotwax_of: Make) -> None:
    documents = many(3)
    hotwax = loaded(hotwax_of, documents)
    documents += [
        document(f"#n{i}", document_id=f"n{i}", logged=NOW - timedelta(seconds=390 - i % 97))
        for i in range(1700)
    ]
    for _ in range(20):
        if hotwax.step("catch_up").catch_up_from is None:
            break
    assert kept_ids() == {d["document-id"] for d in documents}


def test_a_block_of_one_second_longer_than_a_page_is_read_whole(hotwax_of: Make) -> None:
    documents = many(40)
    documents += [
        document(f"#b{i}", document_id=f"b{i}", logged=NOW - timedelta(hours=1))
        for i in range(1234)
    ]
    state = hotwax_of(documents).sync()
    assert kept_ids() == {d["document-id"] for d in documents}
    assert state.mode == "range"


def test_the_watermark_never_goes_back(hotwax_of: Make) -> None:
    documents = many(5)
    hotwax = loaded(hotwax_of, documents)
    before = hotwax.step("catch_up").watermark
    documents.pop()
    assert hotwax.step("catch_up").watermark == before
    assert current_state().sweep_due  # the watermark's own document did not come back


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


# --------------------------------------------------------------------------- failure, back-off


def failing(status: int) -> Callable[[dict[str, Any]], httpx.Response]:
    return lambda body: httpx.Response(status, json={})


def test_a_failure_is_noted_and_backed_off_from_two_to_sixty_seconds(hotwax_of: Make) -> None:
    hotwax = hotwax_of(answer=failing(500))
    current_state()
    pauses = []
    for _ in range(8):
        with pytest.raises(HotWaxError):
            hotwax.step("first")
        state = current_state()
        assert state.back_off_until is not None
        assert state.last_error_at is not None
        pauses.append((state.back_off_until - state.last_error_at).total_seconds())
    assert pauses[0] == 2
    assert 3 <= pauses[1] <= 4
    assert 45 <= pauses[-1] <= 60
    assert state.failing_since is not None
    assert service.freshness().state == "down"
    assert "500" in service.freshness().error


def test_an_answer_ends_the_failure(hotwax_of: Make) -> None:
    hotwax = hotwax_of(answer=failing(503))
    current_state()
    with pytest.raises(HotWaxError):
        hotwax.step("count")
    hotwax.answer = solr_reply(many(2))
    hotwax.sync()
    state = current_state()
    assert (state.failing_since, state.failures, state.back_off_until) == (None, 0, None)


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


# ------------------------------------------------------------------------ who asks, and for whom


@pytest.fixture
def asked(hotwax_of: Make) -> HotWax:
    return hotwax_of(many(30))


def test_a_page_asks_once_per_interval_and_not_at_all_while_a_watcher_lives(asked: HotWax) -> None:
    asked.page()
    assert (len(asked.requests), len(kept_ids())) == (1, 30)
    asked.page()
    assert len(asked.requests) == 1
    SyncState.objects.update(asked_at=NOW - timedelta(minutes=1), heartbeat_at=timezone.now())
    asked.page()
    assert len(asked.requests) == 1
    SyncState.objects.update(heartbeat_at=NOW - timedelta(minutes=1))
    asked.page()
    assert len(asked.requests) == 2


def test_a_page_does_not_ask_during_back_off_and_does_not_fail_with_hotwax(
    hotwax_of: Make,
) -> None:
    hotwax = hotwax_of(answer=failing(500))
    hotwax.page()
    assert service.freshness().state == "down"
    SyncState.objects.update(asked_at=NOW - timedelta(minutes=1))
    hotwax.page()
    assert len(hotwax.requests) == 1


def test_without_a_watcher_pages_find_the_method_that_works(hotwax_of: Make) -> None:
    methods = []

    class OnlyPost(HotWax):
        def handle(self, request: httpx.Request) -> httpx.Response:
            methods.append(request.method)
            if request.method != "POST":
                return httpx.Response(405, html="<html>")
            return super().handle(request)

    hotwax = OnlyPost(solr_reply(many(3)))
    for _ in range(2):
        SyncState.objects.update(asked_at=None, back_off_until=None)
        hotwax.page()
    assert methods == ["GET", "POST"]
    assert current_state().method == "POST"


def test_asking_now_asks_although_the_last_answer_is_fresh(asked: HotWax) -> None:
    asked.sync()
    asked.requests.clear()
    answer = ask_now(asked.client)
    assert (len(asked.requests), answer.new_documents, answer.error) == (1, 0, "")
    asked.answer = failing(500)
    assert "500" in ask_now(asked.client).error


# ------------------------------------------------------------------------------------- lease


def test_only_one_syncer_holds_the_lease(db: None) -> None:
    current_state()
    assert lease.take("one", lease.LEASE)
    assert not lease.take("other", lease.LEASE)
    assert lease.take("one", lease.LEASE)
    lease.give_back("other")
    assert not lease.take("other", lease.LEASE)
    lease.give_back("one")
    assert lease.take("other", lease.LEASE)


def test_a_lease_that_ran_out_is_taken_over_and_its_holder_stops(
    asked: HotWax, hotwax_of: Make
) -> None:
    current_state()
    assert lease.take("one", lease.LEASE)
    taken: list[bool] = []

    def answer(body: dict[str, Any]) -> httpx.Response:
        # While HotWax answers, the lease runs out and another takes it.
        SyncState.objects.update(lease_until=NOW - timedelta(seconds=1))
        taken.append(lease.take("other", lease.LEASE))
        return solr_reply(many(3))(body)

    slow = hotwax_of(answer=answer)
    with slow.client() as client, pytest.raises(lease.LeaseLost):
        take_step(Syncer(client, "one"), "first")
    assert taken == [True]
    assert not kept_ids()
    lease.hold("other", lease.LEASE)


def test_another_hotwax_is_refused_with_what_to_do(asked: HotWax, settings: Any) -> None:
    asked.sync()
    settings.HOTWAX_CORE = "other"
    with pytest.raises(AnotherHotWax, match="DATABASE_URL"):
        current_state()


def test_the_state_says_for_how_long_an_answer_is_live(asked: HotWax) -> None:
    asked.sync()
    assert service.freshness().state == "live"
    SyncState.objects.update(answered_at=timezone.now() - timedelta(seconds=46))
    assert service.freshness().state == "stale"
    SyncState.objects.update(mode="compatible", scan_seconds=0)
    assert service.freshness().state == "live"
    SyncState.objects.update(answered_at=timezone.now() - timedelta(seconds=346))
    assert service.freshness().state == "stale"


def test_the_core_is_imported_by_nothing_it_should_not_know() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import reconciler.hotwax.client as c, sys; "
            "assert not [m for m in sys.modules if m.startswith('django')]",
        ],
        check=False,
    )
    assert done.returncode == 0


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


def test_two_syncers_at_once_give_the_same_ledger_as_one(hotwax_of: Make) -> None:
    documents = many(1700)
    one, other = hotwax_of(documents), hotwax_of(documents)
    current_state()
    turns = 0
    while current_state().loaded_at is None and turns < 40:
        (one, other)[turns % 2].step(due(current_state(), timezone.now()))
        turns += 1
    assert kept_ids() == {d["document-id"] for d in documents}
    assert current_state().kept == documents_kept() == 1700


def test_late_documents_widen_the_overlap_to_an_hour_at_most(hotwax_of: Make) -> None:
    documents = many(700)
    hotwax = loaded(hotwax_of, documents)
    seen = []
    for number in range(3):
        documents.append(document(f"#late{number}", logged=NOW - timedelta(hours=9 + number)))
        seen.append(hotwax.sync().overlap_seconds)
    assert seen == [900, 3600, 3600]
    assert current_state().mode == "range"


# ----------------------------------------------------------- asking now, while another asks


@pytest.fixture
def another(hotwax_of: Make) -> Iterator[Callable[[Callable[[], None]], None]]:
    """Somebody else holds the lease, and does something a moment after we began to wait."""
    loaded(hotwax_of, many(5))
    assert lease.take("watcher", lease.LEASE)
    sleeps: list[Callable[[], None]] = []

    def sleep(seconds: float) -> None:
        if sleeps:
            sleeps.pop()()

    with mock.patch("reconciler.ledger.sync.watcher.time.sleep", sleep):
        yield sleeps.append


def test_what_the_watcher_is_answered_meanwhile_is_the_answer(
    another: Callable[[Callable[[], None]], None], hotwax_of: Make
) -> None:
    another(
        lambda: SyncState.objects.update(answered_at=timezone.now(), kept=F("kept") + 2) and None
    )
    hotwax = hotwax_of(many(5))
    assert ask_now(hotwax.client) == Answer(new_documents=2)
    assert not hotwax.requests


def test_the_watchers_failure_is_told_too(
    another: Callable[[Callable[[], None]], None], hotwax_of: Make
) -> None:
    now = timezone.now()
    failed = {"last_error": "HotWax says 503.", "last_error_at": now, "failing_since": now}
    another(lambda: SyncState.objects.update(**failed) and None)
    assert ask_now(hotwax_of(many(5)).client) == Answer(error="HotWax says 503.")


def test_who_waits_in_vain_is_told_that_somebody_asks(
    another: Callable[[Callable[[], None]], None], hotwax_of: Make
) -> None:
    assert "Somebody else is asking" in ask_now(hotwax_of(many(5)).client).error
