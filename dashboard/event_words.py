"""What an event says, as HTML: on an order's timeline and in the activity."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dashboard.badges import VERDICT_WORDS, state_of_text
from dashboard.markdown import rendered, words_of
from dashboard.wording import cut
from reconciler import service
from reconciler.service import EventKind, Verdict

#: A note is shown so long in the activity.
NOTE_SHOWN = 300


def told(event: service.Event, now: datetime) -> SafeString:
    """Say what happened, without who and when."""
    words = _WORDS.get(event.kind)
    return words(event, now) if words else format_html("{}", event.kind)


@dataclass(frozen=True)
class Line:
    """An event, what it says as HTML, and its day in the dashboard's zone."""

    event: service.Event
    told: SafeString
    day: date

    @classmethod
    def of(cls, event: service.Event, now: datetime) -> "Line":
        """Say what an event tells."""
        return cls(event, told(event, now), timezone.localdate(event.at))


def note_html(event: service.Event) -> SafeString:
    """Render a note's Markdown; one that was taken back says so."""
    if event.action is not None and event.action.undone_at is not None:
        return format_html('<p class="muted">{}</p>', "This note was taken back.")
    return rendered(event.after, {})


def _state(event: service.Event, now: datetime) -> SafeString:
    before, after = (state_of_text(text, now) for text in (event.before, event.after))
    return format_html('{} <span role="img" aria-label="to">→</span> {}', before, after)


def _assign(event: service.Event, now: datetime) -> SafeString:
    if not event.after:
        whose = f" for {event.before}" if event.before != event.actor else ""
        return format_html("gave it back{}", whose)
    if event.after == event.actor:
        return format_html("took it{}", f" from {event.before}" if event.before else "")
    return format_html("gave it to {}", event.after)


def _note(event: service.Event, now: datetime) -> SafeString:
    return format_html("noted: {}", cut(words_of(event.after), NOTE_SHOWN))


def _verdict(event: service.Event, now: datetime) -> SafeString:
    if event.before == event.after:
        return SafeString("tried again after import; it is in HotWax still")
    words = VERDICT_WORDS.get(Verdict(event.after), event.after)
    return format_html("asked HotWax: {}", words[0].lower() + words[1:])


def _reopened(event: service.Event, now: datetime) -> SafeString:
    return SafeString("opened it again: it failed, and is not known to be in HotWax")


def _left_log(event: service.Event, now: datetime) -> SafeString:
    if event.after == "removed":
        return SafeString("HotWax removed it from its log before it expired")
    return SafeString("it left HotWax’s log: its 60 days are over")


def _runbook(event: service.Event, now: datetime) -> SafeString:
    return format_html("edited the runbook: {} to {}", event.before, event.after)


def _correction(event: service.Event, now: datetime) -> SafeString:
    return format_html("corrected {} to {}", event.before, event.after)


def _export(event: service.Event, now: datetime) -> SafeString:
    return format_html("exported {} ({})", event.after, cut(event.before, 200))


def _view(event: service.Event, now: datetime) -> SafeString:
    if not event.before:
        return format_html("saved the view “{}”", event.after)
    if not event.after:
        return format_html("deleted the view “{}”", event.before)
    if event.before == event.after:
        return format_html("changed the filters of the view “{}”", event.after)
    return format_html("renamed the view “{}” to “{}”", event.before, event.after)


def _pack(event: service.Event, now: datetime) -> SafeString:
    name, _, done = event.after.partition(", ")
    words = "imported it again by {}" if done else "put it into {}"
    number = name.removeprefix("pack ")
    if not number.isdigit():
        return format_html("{}", event.after)
    link = format_html('<a href="{}">{}</a>', reverse("dashboard:pack", args=[number]), name)
    return format_html(words, link)


def _undo(event: service.Event, now: datetime) -> SafeString:
    kinds = {text.partition(":")[0] for text in (event.before, event.after)}
    if kinds <= set(service.State):
        return format_html("took back: {}", _state(event, now))
    if event.action is not None and event.action.after == EventKind.NOTE:
        return SafeString("took back a note")
    return format_html(
        "took back: owner {} to {}", event.before or "no one", event.after or "no one"
    )


_WORDS: dict[str, Callable[[service.Event, datetime], SafeString]] = {
    EventKind.STATE: _state,
    EventKind.ASSIGN: _assign,
    EventKind.NOTE: _note,
    EventKind.VERDICT: _verdict,
    EventKind.REOPENED: _reopened,
    EventKind.LEFT_LOG: _left_log,
    EventKind.RUNBOOK: _runbook,
    EventKind.CORRECTION: _correction,
    EventKind.EXPORT: _export,
    EventKind.PACK: _pack,
    EventKind.VIEW: _view,
    EventKind.UNDO: _undo,
}
