"""Twenty people act on the same hundred orders at once."""

import random
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections

from reconciler.ledger.models import Event, FailedOrder, State
from reconciler.ledger.work import triage
from tests.clock import NOW
from tests.makers import document

pytestmark = pytest.mark.django_db(transaction=True)
STATES = ("open", "in_progress", "waiting:shop", "resolved", "ignored")
PEOPLE, ROUNDS = 20, 6
InThread = Callable[..., Any]


@pytest.fixture
def keys(hotwax_of: Any) -> list[int]:
    hotwax_of([document(f"#{n}", document_id=f"d{n}") for n in range(100)]).sync()
    return list(FailedOrder.objects.values_list("pk", flat=True))


@pytest.fixture
def in_threads(keys: list[int], tmp_path: Path) -> Iterator[InThread]:
    """Run a function for each of some arguments, all at once, on a database that threads share.

    The tests' own SQLite database is in memory, where threads are refused each other's tables.
    """
    settings = connections.settings["default"]
    before = settings["NAME"]
    if connection.vendor == "sqlite":
        file = tmp_path / "ledger.sqlite3"
        with sqlite3.connect(file) as copy:
            connection.connection.backup(copy)
        settings["NAME"] = str(file)

    def run(function: Callable[[Any], Any], arguments: Any) -> list[Any]:
        def closing(argument: Any) -> Any:
            try:
                return function(argument)
            finally:
                connection.close()

        with ThreadPoolExecutor(PEOPLE) as threads:
            return list(threads.map(closing, arguments))

    yield run
    settings["NAME"] = before


def act(number: int, keys: list[int], rng: random.Random) -> int:
    """Do something to thirty orders; return how many it changed."""
    me, mine, choice = f"p{number}", rng.sample(keys, 30), rng.random()
    if choice < 0.4:
        return triage.assign(mine, me, me, NOW).changed
    if choice < 0.8:
        state, _, detail = rng.choice(STATES).partition(":")
        return triage.set_state(mine, State(state), detail, me, NOW).changed
    if choice < 0.9:
        return triage.add_note(mine, "seen", me, NOW).changed
    last = triage.latest_action(me, NOW)
    if last is None or not triage.can_undo(last, me, NOW):
        return 0
    return triage.undo(last.pk, me, NOW).changed


def explained(pk: int) -> bool:
    """Follow an order through its events; return True if they lead to what it is."""
    state, owner, revision = "open", "", 0
    for event in Event.objects.filter(order=pk).order_by("revision", "pk"):
        if "seen" in (event.before, event.after):
            continue  # a note, or one that was taken back
        revision += 1
        told = {event.before.partition(":")[0], event.after.partition(":")[0]}
        before = state if told <= set(State) else owner
        if (event.revision, event.before) != (revision, before):
            return False
        if told <= set(State):
            state = event.after
        else:
            owner = event.after
    order = FailedOrder.objects.get(pk=pk)
    return (order.state_text, order.assignee or "", order.revision) == (state, owner, revision)


def test_nothing_is_lost_and_every_state_follows_from_its_events(
    keys: list[int], in_threads: InThread
) -> None:
    def work(number: int) -> int:
        rng = random.Random(number)
        return sum(act(number, keys, rng) for _ in range(ROUNDS))

    changed = in_threads(work, range(PEOPLE))
    assert min(changed) > 0
    (events,) = in_threads(lambda _: Event.objects.count(), [0])
    assert events == sum(changed)
    assert all(in_threads(explained, keys))
