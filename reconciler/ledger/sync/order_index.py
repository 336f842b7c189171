"""Asks the OMS order index whether orders arrived (LEDGER.md §4).

A failure here is no failure of the log: each has its own back-off, and pages tell them apart.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Least
from django.utils import timezone

from reconciler.hotwax import requests
from reconciler.hotwax.client import Client, Endpoint
from reconciler.hotwax.exceptions import (
    HotWaxError,
    IncompleteReply,
    MalformedReply,
    RequestRefused,
    Unavailable,
    Unreachable,
)
from reconciler.hotwax.oms_orders import FIELDS, OmsOrder, read_oms_orders
from reconciler.hotwax.replies import Reply
from reconciler.ledger.database import brief_wait
from reconciler.ledger.models import FailedOrder, SyncState
from reconciler.ledger.queries import CLOCK_TOLERANCE, FailedOrderQuerySet, failed_orders
from reconciler.ledger.sync.budgets import CHECKS, VERDICTS, Budget
from reconciler.ledger.sync.schedule import LONGEST_BACK_OFF, current_state
from reconciler.ledger.sync.source import Source, configured_source
from reconciler.ledger.sync.syncer import back_off
from reconciler.ledger.work.arrivals import write_answer
from reconciler.ledger.work.due import due_orders
from reconciler.ledger.work.reopening import reopen_named, reopen_unasked

logger = logging.getLogger(__name__)

NAMES_A_REQUEST = 99  # and the control
#: "Check now" waits no longer than this for an answer, in seconds.
CHECK_SECONDS = 5.0
#: HTTP statuses with which the index refuses us, or is not there.
REFUSALS = (401, 403, 404)
#: Those with which it refuses a request that may be too large.
TOO_MUCH = (400, 413, 414)
#: A name that alone gets no complete answer is not asked for again before.
NAME_RESTS_FOR = timedelta(hours=1)
#: So many such names are remembered.
MOST_RESTING = 500


class NoControl(HotWaxError):
    """The index does not find what it is known to hold, or holds nothing."""

    remedy = (
        "Check HOTWAX_ORDER_CORE, and that the OMS order index holds sales orders that can be "
        "searched by orderName."
    )


class BudgetSpent(Exception):
    """No request is left in this minute."""


@dataclass(frozen=True)
class Answer:
    """A complete answer whose control came back: what was found, and when it was asked for."""

    found: list[OmsOrder]
    asked_at: datetime


class OrderIndex:
    """Asks one OMS order index; ``budget`` limits the requests, None does not.

    ``timeout`` limits all requests together, in seconds; without one each has the endpoint's.
    """

    def __init__(
        self,
        client: Client,
        source: Source,
        *,
        budget: Budget | None = None,
        timeout: float | None = None,
    ) -> None:
        self.client, self.source, self.budget = client, source, budget
        self._end = None if timeout is None else time.monotonic() + timeout

    def find(self, names: Sequence[str]) -> Answer:
        """Ask for orders by their names, and remember what worked. At most four requests.

        Raises HotWaxError, BudgetSpent. NoControl means that no name can be asked for.
        """
        state = current_state(self.source)
        control = state.oms_control or self._learn_control(state)
        for phrases in _forms(state, control, names):
            reply = self._ask(state, [*names, control], phrases=phrases)
            found = read_oms_orders(reply.documents, self.source.reading.zone)
            if control in {order.name for order in found}:
                _remember(oms_phrases=phrases)
                return Answer(found, reply.asked_at)
        _remember(oms_control="")
        raise NoControl("The OMS order index does not find an order that it just showed.")

    def _learn_control(self, state: SyncState) -> str:
        """Return, and remember, the name of an order that the index holds."""
        reply = self._send(state, [], phrases=False, grouped=False)
        shown = read_oms_orders(reply.documents, self.source.reading.zone)
        names = [order.name for order in shown if order.order_id]
        if names:
            control = max(names, key=lambda name: (_has_signs(name), _has_letters(name)))
            _remember(oms_control=control)
            return control
        if reply.documents:
            raise NoControl("The OMS order index names its orders in a way that is not known.")
        raise NoControl("The OMS order index holds no sales order.")

    def _ask(self, state: SyncState, names: list[str], *, phrases: bool) -> Reply:
        grouped = state.oms_grouped
        try:
            return self._send(state, names, phrases=phrases, grouped=grouped)
        except (RequestRefused, Unavailable) as error:
            # Grouping by a field with several values is refused with 500, which is no outage.
            if not grouped or error.status not in (200, 400, 500):
                raise
            try:
                reply = self._send(state, names, phrases=phrases, grouped=False)
            except HotWaxError:
                raise error from None
        state.oms_grouped = False
        _remember(oms_grouped=False)
        return reply

    def _send(self, state: SyncState, names: list[str], *, phrases: bool, grouped: bool) -> Reply:
        if self.budget is not None and not self.budget.spend(timezone.now()):
            raise BudgetSpent
        payload = requests.oms_orders(
            self.source.order_core, FIELDS, names, phrases=phrases, grouped=grouped
        )
        known = self.client.endpoint.methods
        method = state.method if state.method in known else known[0]
        timeout = None
        if self._end is not None and (timeout := self._end - time.monotonic()) <= 0:
            raise Unreachable("The OMS order index took too long for a page to wait.")
        _remember(oms_asked_at=timezone.now())
        reply = self.client.ask(payload, method, timeout=timeout)
        if names and len(reply.documents) < reply.found:
            raise MalformedReply("The OMS order index sent only a part of what it found.")
        return reply


def _forms(state: SyncState, control: str, names: Sequence[str]) -> tuple[bool, ...]:
    """Return whether to ask by phrases, in the order in which to try.

    On a tokenised field `terms` finds what is one token as it stands, and nothing else: a control
    of digits alone, or one without letters beside names with letters, would prove nothing.
    """
    proves = _has_signs(control) and (_has_letters(control) or not any(map(_has_letters, names)))
    if not proves:
        return (True,)
    return (state.oms_phrases, not state.oms_phrases)


def _has_signs(name: str) -> bool:
    return not name.isalnum()


def _has_letters(name: str) -> bool:
    return name != name.lower()


def _remember(**changes: object) -> None:
    SyncState.objects.filter(pk=SyncState.ONLY).update(**changes)


def _note_answer(names: int) -> None:
    more = Least(F("oms_names") * 2, NAMES_A_REQUEST)
    changes = {"oms_names": more} if names < NAMES_A_REQUEST else {}
    _remember(
        **changes,
        oms_answered_at=timezone.now(),
        oms_failing_since=None,
        oms_failures=0,
        oms_off=False,
        oms_error="",
        oms_remedy="",
        oms_back_off_until=None,
    )


def _note_failure(error: HotWaxError) -> None:
    now, state = timezone.now(), current_state()
    off = isinstance(error, NoControl) or error.status in REFUSALS
    _remember(
        oms_failing_since=state.oms_failing_since or now,
        oms_failures=F("oms_failures") + 1,
        oms_off=off,
        oms_error=str(error)[:500],
        oms_remedy=error.remedy,
        oms_back_off_until=now + timedelta(seconds=back_off(state.oms_failures, error)),
    )
    reopen_unasked(now)


def ask_about(index: OrderIndex, names: Sequence[str], *, is_watcher: bool = True) -> int:
    """Ask for failed orders by name and write their verdicts; return how many orders changed.

    Raises HotWaxError, after noting it where ``is_watcher``: a page waits for less than the index
    may take. Raises BudgetSpent.
    """
    try:
        answer = index.find(names)
    except HotWaxError as error:
        if is_watcher:
            _ask_for_fewer(names, error, current_state(index.source))
            _note_failure(error)
        raise
    changed = write_answer(names, answer.found, answer.asked_at, index.source.product_stores)
    _note_answer(len(names))
    return changed


def _ask_for_fewer(names: Sequence[str], error: HotWaxError, state: SyncState) -> None:
    """Ask for half as many names after an answer that is not complete.

    So one name cannot hold back the others; alone, it rests for NAME_RESTS_FOR.
    """
    too_much = isinstance(error, IncompleteReply | MalformedReply) or error.status in TOO_MUCH
    if not too_much:
        return
    if len(names) > 1:
        _remember(oms_names=max(1, len(names) // 2))
        return
    now = timezone.now()
    resting = {name: until for name, until in state.oms_resting.items() if name in _resting(state)}
    resting |= dict.fromkeys(names, (now + NAME_RESTS_FOR).isoformat())
    _remember(oms_resting=dict(list(resting.items())[-MOST_RESTING:]))
    reopen_named(names, now)


def _resting(state: SyncState) -> set[str]:
    """Return the names that are not asked for now: alone, they got no complete answer."""
    now = timezone.now()
    return {
        name
        for name, until in state.oms_resting.items()
        if now < datetime.fromisoformat(until) <= now + NAME_RESTS_FOR + CLOCK_TOLERANCE
    }


# -------------------------------------------------------------------------------- the watcher


def is_resting(state: SyncState, now: datetime) -> bool:
    """Return True while the index must not be asked after a failure."""
    until = state.oms_back_off_until
    return until is not None and now < until <= now + LONGEST_BACK_OFF + CLOCK_TOLERANCE


def take_round(index: OrderIndex, keep_on: Callable[[], bool] = lambda: True) -> tuple[int, int]:
    """Ask for all orders that are due; return how many were asked for, and how many changed.

    Ends early when the budget is spent, or ``keep_on`` says so. Raises HotWaxError.
    """
    names, changed, asked = _names_to_ask(current_state(index.source)), 0, 0
    while asked < len(names) and keep_on():
        size = min(current_state(index.source).oms_names, NAMES_A_REQUEST)
        chunk = names[asked : asked + size]
        try:
            changed += ask_about(index, chunk)
        except BudgetSpent:
            break
        asked += len(chunk)
    return asked, changed


def _names_to_ask(state: SyncState) -> list[str]:
    """Return the names that are due and do not rest.

    After a failure those that rest are asked for where nothing else is: to see whether it is over.
    """
    due, resting = _due_names(timezone.now()), _resting(state)
    names = [name for name in due if name not in resting]
    return due if state.oms_failing_since and not names else names


def _due_names(now: datetime) -> list[str]:
    """Return the names that are due, each once, in the order in which they are asked for."""
    names: dict[str, None] = {}
    for orders in due_orders(now):
        names |= dict.fromkeys(orders.values_list("order_name", flat=True))
    return list(names)


def watch(client: Client, source: Source, keep_on: Callable[[], bool]) -> None:
    """Take a round within the watcher's budget, once the log has answered. Logs failures."""
    state, now = current_state(source), timezone.now()
    reopen_unasked(now)
    # With fewer left an answer might never be reached: learning a control and how to ask takes all.
    if state.answered_at is None or is_resting(state, now) or VERDICTS.left(now) < VERDICTS.size:
        return
    if not any(orders.exists() for orders in due_orders(now)):
        return
    try:
        take_round(OrderIndex(client, source, budget=VERDICTS), keep_on)
    except HotWaxError as error:
        logger.warning("OMS order index: %s %s", error, error.remedy)


# -------------------------------------------------------------------------------- check now


@dataclass(frozen=True)
class Checked:
    """What "Check now" brought: orders that changed, and names that are asked for later."""

    changed: int = 0
    later: int = 0
    #: Why there is no answer, in whole sentences; empty if there is one.
    error: str = ""


def check_now(
    orders: Sequence[FailedOrder], client_of: Callable[[Endpoint], Client] = Client
) -> Checked:
    """Ask for orders at once, for a person who wants to know; the rest goes to the watcher.

    One request waits at most CHECK_SECONDS; CHECKS limits how many are made in a minute.
    """
    asked = failed_orders().filter(pk__in=[order.pk for order in orders]).askable()
    longest_ago = asked.order_by(F("verdict_at").asc(nulls_first=True), "pk")
    names = list(dict.fromkeys(longest_ago.values_list("order_name", flat=True)))
    _ask_first(asked)
    source = configured_source()
    try:
        with client_of(source.endpoint) as client, brief_wait():
            index = OrderIndex(client, source, budget=CHECKS, timeout=CHECK_SECONDS)
            chunk = names[:NAMES_A_REQUEST]
            changed = ask_about(index, chunk, is_watcher=False) if chunk else 0
    except BudgetSpent:
        return Checked(0, len(names))
    except HotWaxError as failure:
        return Checked(0, len(names), f"{failure} {failure.remedy}")
    return Checked(changed, len(names[NAMES_A_REQUEST:]))


def _ask_first(orders: FailedOrderQuerySet) -> None:
    keys = list(orders.order_by().values_list("pk", flat=True))
    with transaction.atomic():
        SyncState.lock()
        failed_orders().filter(pk__in=keys).update(asks_first=True)
