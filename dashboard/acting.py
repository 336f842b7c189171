"""What people may do about orders: the forms of each action, and the toast that answers it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from dashboard.accounts import ADMIN, AGENT, MANAGER, UNDO_OF_OTHERS, WORK_ON_ORDERS
from dashboard.badges import detail_in_words
from dashboard.filtering.fields import DayField, TextField
from dashboard.wording import plural
from reconciler import service
from reconciler.service import EventKind, State, WaitingFor

#: More people than this are not offered in a menu.
MOST_PEOPLE = 50


class AssignForm(forms.Form):
    """Who is to have the orders; nobody, if it is empty."""

    assignee = forms.CharField(required=False, max_length=150)

    def clean_assignee(self) -> str:
        """Return the user name of an active account."""
        name: str = self.cleaned_data["assignee"]
        if name and not User.objects.filter(username=name, is_active=True).exists():
            raise ValidationError("There is nobody of that name.")
        return name

    def act(self, keys: list[int], actor: str, now: datetime, seen: int | None) -> service.Done:
        """Give the orders to that person."""
        return service.assign(keys, self.cleaned_data["assignee"], actor, now, seen)


class StateForm(forms.Form):
    """A state; `reason` belongs to waiting, `until` to ignored."""

    state = forms.ChoiceField(choices=State.choices)
    reason = forms.ChoiceField(choices=WaitingFor.choices, required=False)
    until = DayField()

    def clean_until(self) -> date | None:
        """Return a day after today."""
        day: date | None = self.cleaned_data["until"]
        if day and day <= timezone.localdate():
            raise ValidationError("Choose a day after today.")
        return day

    def clean(self) -> dict[str, Any]:
        """Ask for whom an order waits."""
        values = self.cleaned_data
        if values.get("state") == State.WAITING and not values.get("reason"):
            self.add_error("reason", "Say for whom: the shop or HotWax.")
        return values

    def act(self, keys: list[int], actor: str, now: datetime, seen: int | None) -> service.Done:
        """Set the state."""
        values, detail = self.cleaned_data, ""
        if values["state"] == State.WAITING:
            detail = values["reason"]
        elif values["state"] == State.IGNORED and values["until"]:
            detail = values["until"].isoformat()
        return service.set_state(keys, State(values["state"]), detail, actor, now, seen)


class NoteForm(forms.Form):
    """A note, in Markdown."""

    text = TextField(
        max_length=service.LONGEST_NOTE, error_messages={"required": "Write something first."}
    )

    def act(self, keys: list[int], actor: str, now: datetime, seen: int | None) -> service.Done:
        """Add the note; notes never conflict."""
        return service.add_note(keys, self.cleaned_data["text"], actor, now)


class CheckForm(forms.Form):
    """Nothing to fill in: the OMS is asked now."""

    def act(self, keys: list[int], actor: str, now: datetime, seen: int | None) -> service.Done:
        """Ask about the orders. Raises NotDone."""
        orders = list(service.failed_orders().filter(pk__in=keys).only("order_name"))
        checked = service.check_now(orders)
        done = service.note_check(keys, checked.changed, checked.later, actor, now)
        if checked.error:
            raise NotDone(f"HotWax gave no answer. {checked.error}")
        return done


class PackForm(forms.Form):
    """Nothing to fill in: the orders make a pack to import again."""

    def act(self, keys: list[int], actor: str, now: datetime, seen: int | None) -> service.Pack:
        """Make the pack. Raises NotDone."""
        try:
            return service.make_pack(keys, actor, now)
        except service.NoOrders:
            raise NotDone("They are all in HotWax already, or have no name.") from None


class NotDone(Exception):
    """What was asked for could not be done; the text says why, in whole sentences."""


FORMS: dict[str, type[forms.Form]] = {
    "assign": AssignForm,
    "state": StateForm,
    "note": NoteForm,
    "check": CheckForm,
    "pack": PackForm,
}


def people(me: str) -> list[str]:
    """Return user names of those who work on orders, one's own first."""
    works = Q(groups__name__in=(AGENT, MANAGER, ADMIN)) | Q(is_superuser=True)
    names = User.objects.filter(works, is_active=True).order_by("username").distinct()
    others = names.exclude(username=me).values_list("username", flat=True)[:MOST_PEOPLE]
    return [me, *others]


@dataclass(frozen=True)
class Toast:
    """What the last action did, in words; ``undo`` is the action to take back, if one may."""

    words: str
    changed: int
    left: str = ""
    undo: int | None = None


def frame_of_acting(request: HttpRequest, now: datetime) -> dict[str, Any]:
    """Return what a page needs on which one may act."""
    user: Any = request.user
    me: str = user.get_username()
    may_act = user.has_perm(WORK_ON_ORDERS)
    return {
        "me": me,
        "may_act": may_act,
        "people": people(me) if may_act else [],
        "tomorrow": timezone.localdate(now) + timedelta(days=1),
        "toast": toast_of(request, now),
    }


#: What cannot be taken back is told once, with the page that answers: later it would seem to be
#: said of the order that one looks at then.
TOLD_ONCE = timedelta(seconds=10)


def toast_of(request: HttpRequest, now: datetime) -> Toast | None:
    """Return the answer to what a person did last, for as long as it can be taken back."""
    me = request.user.get_username()
    action = service.latest_action(me, now)
    if action is None:
        return None
    may_undo = service.can_undo(action, me, now)
    if not may_undo and now - action.at > TOLD_ONCE:
        return None
    words, left = _in_words(action, now), _left_in_words(action)
    return Toast(words, action.changed, left, action.pk if may_undo else None)


def may_undo(request: HttpRequest, action: service.Action, now: datetime) -> bool:
    """Return True if a person may take back an action; a Manager also those of others."""
    user: Any = request.user
    anybodys = user.has_perm(UNDO_OF_OTHERS)
    return service.can_undo(action, user.get_username(), now, anybodys=anybodys)


def _in_words(action: service.Action, now: datetime) -> str:
    orders = plural(action.changed, "order")
    if action.kind == EventKind.ASSIGN:
        return f"{orders} given to {action.after}." if action.after else f"{orders} given back."
    if action.kind == EventKind.STATE:
        value, _, detail = action.after.partition(":")
        words = f"{State(value).label.lower()} {detail_in_words(value, detail, now)}".strip()
        return f"{orders} {'is' if action.changed == 1 else 'are'} now {words}."
    if action.kind == EventKind.NOTE:
        return f"Noted on {orders}."
    if action.kind == EventKind.VERDICT:
        return f"HotWax was asked: {orders if action.changed else 'nothing'} changed."
    return f"Taken back for {orders}."


def _left_in_words(action: service.Action) -> str:
    if not action.left:
        return ""
    orders = plural(action.left, "order")
    if action.kind == EventKind.UNDO:
        return f"Not for {orders}: somebody acted on {'it' if action.left == 1 else 'them'} since."
    if action.kind == EventKind.VERDICT:
        return f"{orders} will be asked about by the watcher." if action.after else ""
    return f"{orders} {'was' if action.left == 1 else 'were'} so already."
