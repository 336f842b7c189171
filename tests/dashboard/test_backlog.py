"""How many orders were not resolved at a time, whatever happened to them since."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from reconciler.ledger.figures import outcomes
from reconciler.ledger.models import FailedOrder, State
from reconciler.ledger.queries import failed_orders
from reconciler.ledger.work import triage
from tests.clock import NOW
from tests.makers import document

pytestmark = pytest.mark.django_db
Keep = Callable[..., None]


def _backlog() -> list[int]:
    return outcomes.backlog(failed_orders(), [NOW - timedelta(days=1), NOW + timedelta(days=1)])[1]


def test_only_undone_states_change_the_backlog(keep: Keep) -> None:
    keep(*(document(f"#{n}", document_id=f"d{n}") for n in (1, 2)))
    keys = list(FailedOrder.objects.values_list("pk", flat=True))
    for act in (
        lambda: triage.add_note(keys, "resolved", "ann", NOW),
        lambda: triage.assign(keys, "resolved", "ann", NOW),
        lambda: triage.set_state(keys, State.RESOLVED, "", "ann", NOW),
    ):
        triage.undo(act().action.pk, "ann", NOW)
        assert _backlog() == [2]


def test_the_backlog_counts_dated_orders_each_once(hotwax_of: Any) -> None:
    at = NOW - timedelta(hours=2)
    documents = [document(f"#{n}", document_id=f"d{n}", logged=at) for n in (1, 2, 3)]
    hotwax = hotwax_of(documents)
    hotwax.sync()
    keys = list(FailedOrder.objects.order_by("order_name").values_list("pk", flat=True))
    triage.set_state(keys[:2], State.RESOLVED, "", "ann", NOW)
    documents[0] = document("#2", document_id="d1", logged=at, version=8)
    hotwax.sync()
    assert FailedOrder.objects.count() == 2
    assert _backlog() == [1]
    # Before they were resolved both orders that are left were open, and no third.
    edges = [NOW - timedelta(days=1), NOW - timedelta(seconds=1), NOW + timedelta(days=1)]
    assert outcomes.backlog(failed_orders(), edges)[1] == [2, 1]
    FailedOrder.objects.filter(order_name="#3").update(first_at=None)
    triage.set_state(keys[2:], State.RESOLVED, "", "ann", NOW)
    assert _backlog() == [0]


def test_an_order_that_took_another_in_is_counted_once_when_opened_again(hotwax_of: Any) -> None:
    at = NOW - timedelta(hours=2)
    documents = [document(f"#{n}", document_id=f"d{n}", logged=at) for n in (1, 2)]
    hotwax = hotwax_of(documents)
    hotwax.sync()
    keys = list(FailedOrder.objects.values_list("pk", flat=True))
    triage.set_state(keys, State.RESOLVED, "", "ann", NOW)
    documents[0] = document("#2", document_id="d1", logged=at, version=8)
    hotwax.sync()
    hour = timedelta(hours=1)
    keys = list(FailedOrder.objects.values_list("pk", flat=True))
    triage.set_state(keys, State.OPEN, "", "ann", NOW + 2 * hour)
    edges = [NOW - 24 * hour, NOW - hour, NOW + hour, NOW + 3 * hour]
    assert outcomes.backlog(failed_orders(), edges)[1] == [1, 0, 1]
