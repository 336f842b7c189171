"""What people do about orders: owner, state, notes, and taking an action back.

One call is one action, of one order or of many; it is told by an event an order. Every action
begins by locking the row of SyncState, as every writer of orders does, so that two at once never
lose a change and never wait for each other.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import (
    BooleanField,
    Case,
    CharField,
    DateTimeField,
    F,
    OuterRef,
    Q,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Concat

from reconciler.ledger.models import (
    Action,
    Event,
    EventKind,
    State,
    SyncState,
    Verdict,
)
from reconciler.ledger.queries import FailedOrderQuerySet, failed_orders

#: An action changes at most so many orders.
MOST_ORDERS = 10_000
LONGEST_NOTE = 10_000
UNDO_WITHIN = timedelta(minutes=10)
#: Actions that can be taken back.
UNDOABLE = (EventKind.STATE, EventKind.ASSIGN, EventKind.NOTE)

#: The state as FailedOrder.state_text writes it.
_STATE_TEXT = Case(
    When(state_detail="", then=F("state")),
    default=Concat(F("state"), Value(":"), F("state_detail")),
    output_field=CharField(),
)
_IMPORTED = Q(verdict=Verdict.IMPORTED)
_OWNER_TEXT = Coalesce(F("assignee"), Value(""), output_field=CharField())


class ActedSince(Exception):
    """Somebody acted on the order since the page was drawn; nothing was changed."""


class CannotUndo(Exception):
    """The action is older than UNDO_WITHIN, was taken back already, or is another person's."""


@dataclass(frozen=True)
class Done:
    """What an action changed: so many orders are now otherwise, so many stayed as they were."""

    action: Action

    @property
    def changed(self) -> int:
        """Return how many orders are now otherwise."""
        return self.action.changed

    @property
    def left(self) -> int:
        """Return how many orders stayed as they were."""
        return self.action.left


def assign(
    keys: Sequence[int], assignee: str, actor: str, now: datetime, seen: int | None = None
) -> Done:
    """Give orders to a person by user name; "" gives them to nobody.

    ``seen`` is the revision of a single order when its page was drawn. Raises ActedSince.
    """
    with _acting(keys, seen) as orders:
        rows = orders.exclude(assignee=assignee or None)
        done = _begin(EventKind.ASSIGN, actor, now, assignee)
        _tell(done, rows, _OWNER_TEXT, assignee)
        done.changed = rows.update(assignee=assignee or None, revision=F("revision") + 1)
        done.left = len(keys) - done.changed
        done.save()
    return Done(done)


def set_state(
    keys: Sequence[int],
    state: State,
    detail: str,
    actor: str,
    now: datetime,
    seen: int | None = None,
) -> Done:
    """Set the state of orders; ``detail`` is whom it waits for, or until which day (ISO).

    An order that is so already stays as it is, unless it is ignored and due again. Raises
    ActedSince.
    """
    with _acting(keys, seen) as orders:
        same = Q(state=state, state_detail=detail) & ~Q(state=State.IGNORED, failed_since=True)
        rows = orders.exclude(same)
        after = f"{state.value}:{detail}" if detail else state.value
        done = _begin(EventKind.STATE, actor, now, after)
        _tell(done, rows, _STATE_TEXT, after)
        done.changed = rows.update(
            state=state,
            state_detail=detail,
            state_at=now,
            failed_since=False,
            state_by=actor,
            was_resolved=Value(True) if state == State.RESOLVED else F("was_resolved"),
            was_reopened=F("was_reopened") if state == State.RESOLVED else _is_reopened(),
            kept_open=_is_imported() if state != State.RESOLVED else Value(False),
            revision=F("revision") + 1,
        )
        done.left = len(keys) - done.changed
        done.save()
    return Done(done)


def add_note(keys: Sequence[int], text: str, actor: str, now: datetime) -> Done:
    """Add a note (Markdown) to orders. Notes never conflict, and raise no revision."""
    with _acting(keys, None) as orders:
        done = _begin(EventKind.NOTE, actor, now, text)
        done.changed = _tell(done, orders, Value("", output_field=CharField()), text, raises=0)
        done.left = len(keys) - done.changed
        done.save()
    return Done(done)


def note_check(keys: Sequence[int], changed: int, later: int, actor: str, now: datetime) -> Done:
    """Remember that a person let the OMS be asked; its answers are told by events of their own.

    ``later`` orders are asked for by the watcher.
    """
    done = _begin(EventKind.VERDICT, actor, now, "later" if later else "")
    done.changed, done.left = changed, later or len(keys) - changed
    done.save()
    return Done(done)


def undo(pk: int, actor: str, now: datetime, *, anybodys: bool = False) -> Done:
    """Take back an action, for the orders on which nobody acted since.

    ``anybodys`` allows to take back what others did. Raises CannotUndo.
    """
    with transaction.atomic():
        SyncState.raise_revision()
        action = Action.objects.select_for_update().filter(pk=pk).first()
        if action is None or not can_undo(action, actor, now, anybodys=anybodys):
            raise CannotUndo
        done = _begin(EventKind.UNDO, actor, now, action.kind)
        if action.kind == EventKind.NOTE:
            done.changed = _take_back_notes(action, done)
        else:
            done.changed = _restore(action, done)
        done.left = action.changed - done.changed
        done.save()
        Action.objects.filter(pk=pk).update(undone_at=now)
    return Done(done)


def can_undo(action: Action, actor: str, now: datetime, *, anybodys: bool = False) -> bool:
    """Return True if a person may still take back an action."""
    mine = anybodys or action.actor == actor
    fresh = action.undone_at is None and timedelta(0) <= now - action.at <= UNDO_WITHIN
    return mine and fresh and action.kind in UNDOABLE and action.changed > 0


def latest_action(actor: str, now: datetime) -> Action | None:
    """Return what a person did last, if it was within UNDO_WITHIN."""
    recent = Action.objects.filter(actor=actor, at__gte=now - UNDO_WITHIN, at__lte=now)
    return recent.order_by("-at", "-pk").first()


# ------------------------------------------------------------------------------------- rows


def _is_reopened() -> Case:
    resolved = When(state=State.RESOLVED, then=Value(True))
    return Case(resolved, default=F("was_reopened"), output_field=BooleanField())


def _is_imported() -> Case:
    return Case(When(_IMPORTED, then=Value(True)), default=Value(False))


@contextmanager
def _acting(keys: Sequence[int], seen: int | None) -> Iterator[FailedOrderQuerySet]:
    """Open a transaction for an action. Raises ActedSince."""
    with transaction.atomic():
        SyncState.raise_revision()
        orders = failed_orders().filter(pk__in=keys)
        if seen is not None and orders.exclude(revision=seen).exists():
            raise ActedSince
        yield orders


def _begin(kind: EventKind, actor: str, now: datetime, after: str) -> Action:
    return Action.objects.create(kind=kind, actor=actor, at=now, after=after)


def _tell(
    action: Action, rows: FailedOrderQuerySet, before: Any, after: str, *, raises: int = 1
) -> int:
    """Write an event for each of these orders, before they are changed; return how many.

    In one statement: an action may change ten thousand orders.
    """
    values = rows.order_by().values_list(
        "pk",
        Value(action.pk),
        Value(action.actor, output_field=CharField()),
        Value(action.kind, output_field=CharField()),
        Value(action.at, output_field=DateTimeField()),
        before,
        Value(after, output_field=CharField()),
        F("revision") + raises,
        F("failed_since"),
        F("state_at"),
        F("state_by"),
        F("was_resolved"),
        F("was_reopened"),
    )
    return _insert_events(values)


def _insert_events(values: Any) -> int:
    columns = (
        "order_id, action_id, actor, kind, at, before, after, revision, "
        "had_failed, was_at, was_by, was_resolved, was_reopened"
    )
    try:
        sql, parameters = values.query.sql_with_params()
    except EmptyResultSet:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {Event._meta.db_table} ({columns}) {sql}",
            parameters,
        )
        return int(cursor.rowcount)


def _restore(action: Action, done: Action) -> int:
    """Set back what an action set, where the order's revision is still the action's."""
    told = Event.objects.filter(action=action, order__revision=F("revision")).order_by()
    # Read once: the revisions change as orders are set back. Many orders were alike.
    alike = defaultdict[_Was, list[int]](list)
    for order, *was in told.values_list("order", *_Was._fields):
        alike[_Was(*was)].append(order)
    restore = _give_back if action.kind == EventKind.ASSIGN else _set_back
    return sum(restore(action, done, keys, was) for was, keys in alike.items())


class _Was(NamedTuple):
    """How an order was before an action, as its event tells it; not since when."""

    before: str
    had_failed: bool
    was_by: str
    was_resolved: bool
    was_reopened: bool


def _give_back(_: Action, done: Action, keys: list[int], was: _Was) -> int:
    rows = failed_orders().filter(pk__in=keys)
    _tell(done, rows, _OWNER_TEXT, was.before)
    return rows.update(assignee=was.before or None, revision=F("revision") + 1)


def _set_back(action: Action, done: Action, keys: list[int], was: _Was) -> int:
    """Set back a state. What failed since it was set the first time shows it again."""
    rows, (state, _, detail) = failed_orders().filter(pk__in=keys), was.before.partition(":")
    _tell(done, rows, _STATE_TEXT, was.before)
    told = Event.objects.filter(action=action, order=OuterRef("pk")).order_by()
    was_at = Subquery(told.values("was_at")[:1])
    closed = state in (State.RESOLVED, State.IGNORED)
    failed_after = Q(last_failed_at__gt=was_at)
    failed: Any = Value(was.had_failed)
    if closed:
        failed = Case(When(failed_after, then=Value(True)), default=failed)
    looked_up = failed_after if state == State.RESOLVED else _IMPORTED
    asks = Case(
        When(looked_up & ~Q(order_name=""), then=Value(True)),
        default=F("asks_first"),
        output_field=BooleanField(),
    )
    return rows.update(
        state=state,
        state_detail=detail,
        failed_since=failed,
        asks_first=asks,
        kept_open=False,
        state_at=was_at,
        state_by=was.was_by,
        was_resolved=was.was_resolved,
        was_reopened=was.was_reopened,
        revision=F("revision") + 1,
    )


def _take_back_notes(action: Action, done: Action) -> int:
    rows = failed_orders().filter(pk__in=Event.objects.filter(action=action).values("order"))
    text = Value(action.after, output_field=CharField())
    return _tell(done, rows, text, "", raises=0)
