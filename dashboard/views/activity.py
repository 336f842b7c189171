"""Who did what, and what the program did: all events, newest first."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from dashboard.accounts import WORK_ON_ORDERS
from dashboard.acting import frame_of_acting, may_undo
from dashboard.event_words import told
from dashboard.filtering.fields import LONGEST_VALUE, DayField, PageField
from dashboard.filtering.periods import bounds_of_days
from dashboard.middleware import fresh_of
from dashboard.tables import ClampingPaginator
from reconciler import service

ON_A_PAGE = 100
#: Fields of the filter: name, label, type of input.
FIELDS = (
    ("actor", "Who", "text"),
    ("order", "Order", "text"),
    ("from", "From", "date"),
    ("to", "To", "date"),
)


class ActivityForm(forms.Form):
    """The query string of /activity/."""

    kind = forms.ChoiceField(choices=service.EventKind.choices, required=False)
    actor = forms.CharField(required=False, max_length=LONGEST_VALUE)
    order = forms.CharField(required=False, max_length=LONGEST_VALUE)
    page = PageField()

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        # "from" is a word of Python's.
        self.fields["from"] = DayField()
        self.fields["to"] = DayField()

    def narrowed(self, events: QuerySet[service.Event]) -> QuerySet[service.Event]:
        """Keep the events that match."""
        values = self.cleaned_data
        if values["kind"]:
            events = events.filter(kind=values["kind"])
        if values["actor"]:
            events = events.filter(actor=values["actor"])
        if values["order"]:
            orders = service.failed_orders().named([values["order"]])
            events = events.filter(order__in=orders.values("pk"))
        bounds = bounds_of_days(values["from"], values["to"])
        if bounds.start:
            events = events.filter(at__gte=bounds.start)
        return events.filter(at__lt=bounds.end) if bounds.end else events


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


def _page_address(request: HttpRequest) -> str:
    """Return the address of a page of the same events; its number is appended."""
    kept = [
        (name, request.GET[name])
        for name in ("kind", *(f[0] for f in FIELDS))
        if name in request.GET
    ]
    return f"?{urlencode([pair for pair in kept if pair[1]])}&page=".replace("?&", "?")


def _undoable(request: HttpRequest, events: Any, now: datetime) -> set[int]:
    """Return the actions among these events that whoever asks may take back."""
    actions = {event.action for event in events if event.action}
    return {action.pk for action in actions if may_undo(request, action, now)}


@require_safe
def activity(request: HttpRequest) -> HttpResponse:
    """Show what was done; a Viewer sees what they did themselves."""
    user: Any = request.user
    form, events, now = ActivityForm(request.GET), service.activity(), fresh_of(request).now
    if not user.has_perm(WORK_ON_ORDERS):
        events = events.filter(actor=user.get_username())
    context = {
        "form": form,
        "now": now,
        "kinds": service.EventKind.choices,
        "fields": [(*field, request.GET.get(field[0], "")) for field in FIELDS],
        **frame_of_acting(request, now),
    }
    if not form.is_valid():
        return render(request, "dashboard/activity.html", context, status=400)
    page = ClampingPaginator(form.narrowed(events), ON_A_PAGE).page(form.cleaned_data["page"])
    context["page"] = page
    context["page_address"] = _page_address(request)
    context["lines"] = [Line.of(event, now) for event in page]
    context["undoable"] = _undoable(request, page.object_list, now)
    return render(request, "dashboard/activity.html", context)
