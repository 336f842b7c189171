"""One order, and asking HotWax about what changed."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from dashboard.acting import FORMS, frame_of_acting
from dashboard.event_words import Line
from dashboard.filtering.forms import FilterForm
from dashboard.filtering.parameters import SORT_NAMES, VIEW_NAMES
from dashboard.filtering.query import Query
from dashboard.markdown import rendered, values_of
from dashboard.masked_values import telling_value
from dashboard.middleware import fresh_of
from dashboard.raw_document import raw_fields, raw_json
from dashboard.timeline import timeline_of
from dashboard.what_now import what_now
from dashboard.wording import of_view, plural, value_in_words
from reconciler import service

#: Number of other orders with the same error that are listed; the rest is one click away.
LIKE_THIS = 5
#: Number of changes that are shown, the newest; the activity has all.
EVENTS = 200
#: Number of attempts on a page of the timeline.
ATTEMPTS = 100


@require_safe
def order(request: HttpRequest, pk: int) -> HttpResponse:
    """Show all that is known of an order; the query string is the list one came from."""
    row = service.failed_order(pk)
    return _moved(request, pk) if row is None else order_page(request, row)


def order_page(
    request: HttpRequest, row: service.FailedOrder, status: int = 200, **more: Any
) -> HttpResponse:
    """Show an order, also as the answer to an action that was refused."""
    fresh, query, me = fresh_of(request), Query.of(request.GET), request.user.get_username()
    context = {
        "order": row,
        "now": fresh.now,
        "query": query,
        **_acting(request, row, fresh),
        **_story(row, fresh, request.GET),
        **_list_around(row, query, me, fresh),
        **_like_this(row, fresh),
        **_links(row),
        **_runbook(row),
        "asked_again_at": _asked_again_at(row, fresh.now),
        **more,
    }
    return render(request, "dashboard/order.html", context, status=status)


def _acting(
    request: HttpRequest, row: service.FailedOrder, fresh: service.Freshness
) -> dict[str, Any]:
    """Return what the forms of actions need; ``seen`` tells whether somebody acted meanwhile."""
    paths = {verb: reverse(f"dashboard:act_{verb}", args=[row.pk]) for verb in FORMS}
    return {"seen": row.revision, "act_paths": paths, **frame_of_acting(request, fresh.now)}


@require_http_methods(["GET", "HEAD", "POST"])
def ask_hotwax(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask HotWax what changed, at once, and say what came back on the order's page.

    A GET asks nothing: it is where the sign-in leads back to after a session ended.
    """
    row = _order_or_404(pk)
    if request.method == "POST":
        before, answer = row.attempt_count, service.ask_now()
        row.refresh_from_db(fields=["attempt_count"])
        level = messages.ERROR if answer.error or answer.not_kept else messages.SUCCESS
        messages.add_message(request, level, _answer_in_words(answer, row.attempt_count - before))
    return redirect(Query.of(request.GET).url(reverse("dashboard:order", args=[pk])))


def _answer_in_words(answer: service.Answer, more: int) -> str:
    if answer.not_kept:
        return f"Nothing new can be kept: {answer.not_kept}."
    if answer.error:
        return f"HotWax gave no answer. {answer.error}"
    if more > 0:
        return f"HotWax answered: {plural(more, 'new attempt')} of this order."
    new = plural(answer.new_documents, "new failure") if answer.new_documents else "nothing new"
    return f"HotWax answered: {new} in the log, nothing of this order."


def _order_or_404(pk: int) -> service.FailedOrder:
    row = service.failed_order(pk)
    if row is None:
        raise Http404("There is no such order.")
    return row


def _moved(request: HttpRequest, pk: int) -> HttpResponse:
    """Lead to the order that holds the history of one that is no more. Raises Http404."""
    successor = service.successor_of(pk)
    if successor is None:
        raise Http404("There is no such order.")
    url = Query.of(request.GET).url(reverse("dashboard:order", args=[successor.pk]))
    return redirect(url, permanent=True)


def _story(row: service.FailedOrder, fresh: service.Freshness, wanted: QueryDict) -> dict[str, Any]:
    """Return the page of attempts that ``attempts`` names, and the document of ``attempt``.

    Beside them what was done about the order, and what to do now.
    """
    events = service.events_of(row, EVENTS)
    newest_first = row.attempts.order_by("-logged_key", "-document_key")
    page = Paginator(newest_first, ATTEMPTS).get_page(wanted.get("attempts"))
    latest = page.object_list[0] if page.number == 1 else newest_first[0]
    shown = _named(row, wanted.get("attempt", "")) or latest
    return {
        "attempts": page,
        "latest": latest,
        "timeline": timeline_of(row, page, events, fresh.now),
        "what_now": what_now(row, events, fresh),
        "changes": [Line.of(event, fresh.now) for event in reversed(events)],
        "shown": shown,
        "raw_fields": raw_fields(shown),
        "raw_json": raw_json(shown),
    }


def _named(row: service.FailedOrder, number: str) -> service.Attempt | None:
    if not (number.isascii() and number.isdigit()):
        return None
    return row.attempts.filter(pk=number).first()


def _list_around(
    row: service.FailedOrder, query: Query, me: str, fresh: service.Freshness
) -> dict[str, Any]:
    path, form = reverse("dashboard:orders"), FilterForm(query, me)
    if not form.is_valid():  # an old bookmark must not hide the order
        return {"list_url": path, "list_name": "Orders", "around": None}
    asked = form.asked
    return {
        "list_url": query.url(path),
        "list_name": of_view("orders", VIEW_NAMES[asked.view]).capitalize(),
        "last_place": service.LAST_PLACE,
        "list_sort": SORT_NAMES.get(asked.sort, "sorted").lower(),
        "around": service.neighbours(asked.matching(fresh.now), row, asked.sort, fresh.revision),
    }


def _like_this(row: service.FailedOrder, fresh: service.Freshness) -> dict[str, Any]:
    """Return other orders with the same value in the same error, else with the same error."""
    same = every = service.failed_orders().with_signature(row.signature)
    query = error_query = Query([("view", "all"), ("error", row.signature.slug)])
    value = telling_value(row)
    if value and same.with_values([value]).exclude(pk=row.pk).exists():
        same, query = same.with_values([value]), query.with_("value", value)
    else:
        value = ""
    others = same.exclude(pk=row.pk).for_list().sorted_by("-failed")
    return {
        "error_orders_count": _count(every, fresh),
        "error_orders_url": error_query.url(reverse("dashboard:orders")),
        "same_value": value_in_words(value) if value else "",
        "like_this": list(others[:LIKE_THIS]),
        "like_this_count": _count(same, fresh),
        "like_this_url": query.url(reverse("dashboard:orders")),
    }


def _count(orders: service.FailedOrderQuerySet, fresh: service.Freshness) -> int:
    return service.cached(fresh.revision, "orders", orders, (), orders.count)


def _runbook(row: service.FailedOrder) -> dict[str, Any]:
    runbook = service.runbook_of(row.signature)
    return {
        "runbook": runbook,
        "runbook_html": rendered(runbook.text, values_of(row)),
        "worked": service.worked(row.signature),
    }


def _links(row: service.FailedOrder) -> dict[str, str]:
    return {
        "shopify_link": service.link_of(row.site_url),
        "shopify_host": service.host_of(row.site_url),
        "admin_link": service.admin_link(row.shop.handle, row.order_name, row.shopify_id or ""),
        "import_link": service.import_link(),
        "ask_path": reverse("dashboard:ask", args=[row.pk]),
    }


def _asked_again_at(row: service.FailedOrder, now: datetime) -> datetime | None:
    """Return when the OMS is asked about an order next; None if never."""
    every = service.interval_of(row, now)
    done = row.state == service.State.RESOLVED
    return row.verdict_at + every if row.verdict_at and every and not done else None
