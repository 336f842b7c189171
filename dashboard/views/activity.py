"""Who did what, and what the program did: all events, newest first."""

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from dashboard.accounts import WORK_ON_ORDERS
from dashboard.acting import frame_of_acting, may_undo
from dashboard.event_words import Line
from dashboard.filtering.activity import ACTIVITY
from dashboard.filtering.fields import Values
from dashboard.filtering.order_filter import OrderFilter
from dashboard.filtering.periods import bounds_of_days
from dashboard.filtering.query import Query
from dashboard.list_page import filter_form
from dashboard.middleware import fresh_of
from dashboard.tables import ClampingPaginator
from reconciler import service

ON_A_PAGE = 100
#: Fields of the filter beside the kind: name, type of input.
FIELDS = (("actor", "text"), ("order", "text"), ("from", "date"), ("to", "date"))


@require_safe
def activity(request: HttpRequest) -> HttpResponse:
    """Show what was done; a Viewer sees what they did themselves."""
    user: Any = request.user
    query, now = Query.of(request.GET, ACTIVITY), fresh_of(request).now
    form, events = filter_form(request, query), service.activity()
    if not user.has_perm(WORK_ON_ORDERS):
        events = events.filter(actor=user.get_username())
    context = {"form": form, "now": now, **_fields(query), **frame_of_acting(request, now)}
    if form.is_valid():
        page = ClampingPaginator(_narrowed(events, form.asked), ON_A_PAGE).page(form.asked["page"])
        context |= {
            "page": page,
            "lines": [Line.of(event, now) for event in page],
            "undoable": _undoable(request, page.object_list, now),
        }
    status = 200 if form.is_valid() else 400
    return render(request, "dashboard/activity.html", context, status=status)


def _fields(query: Query) -> dict[str, Any]:
    names = query.parameters.by_name
    address = query.without("page").url(reverse("dashboard:activity"))
    return {
        "kinds": service.EventKind.choices,
        "kind": query.get("kind"),
        "fields": [(name, names[name].label, kind, query.get(name)) for name, kind in FIELDS],
        "page_address": f"{address}{'&' if query.without('page').encode() else '?'}page=",
    }


def _narrowed(events: QuerySet[service.Event], asked: OrderFilter) -> QuerySet[service.Event]:
    """Keep the events that match."""
    for name in ("kind", "actor"):
        values: Values = asked[name]
        if values.include:
            events = events.filter(**{f"{name}__in": values.include})
        events = events.exclude(**{f"{name}__in": values.exclude})
    if asked.names:
        orders = service.failed_orders().named(list(asked.names))
        events = events.filter(order__in=orders.values("pk"))
    bounds = bounds_of_days(*asked.days)
    since = Q(at__gte=bounds.start) if bounds.start else Q()
    return events.filter(since & Q(at__lt=bounds.end) if bounds.end else since)


def _undoable(request: HttpRequest, events: Any, now: datetime) -> set[int]:
    """Return the actions among these events that whoever asks may take back."""
    actions = {event.action for event in events if event.action}
    return {action.pk for action in actions if may_undo(request, action, now)}
