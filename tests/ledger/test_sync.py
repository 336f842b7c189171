"""The syncer: how it keeps up, backs off and shares its lease; who asks, and for whom."""

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
from reconciler.hotwax.exceptions import HotWaxError
from reconciler.ledger.models import FailedOrder, SyncState
from reconciler.ledger.sync import lease
from reconciler.ledger.sync.schedule import current_state, due
from reconciler.ledger.sync.source import AnotherHotWax
from reconciler.ledger.sync.syncer import Syncer, documents_kept
from reconciler.ledger.sync.watcher import Answer, ask_now, take_step
from tests.clock import NOW
from tests.conftest import HotWax
from tests.ledger.logs import Make, kept_ids, loaded, many
from tests.makers import document, solr_reply

pytestmark = pytest.mark.django_db


# --------------------------------------------------------------------------------- first load


# ------------------------------------------------------------------------------------ keeping up


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
