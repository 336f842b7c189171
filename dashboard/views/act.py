"""Acting on orders: one or many, and taking an action back (CONTRACTS.md, "Acting")."""

from typing import Any, cast
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

from dashboard.accounts import UNDO_OF_OTHERS, WORK_ON_ORDERS
from dashboard.acting import FORMS, NotDone
from dashboard.event_words import told
from dashboard.filtering.query import Query
from dashboard.list_page import filter_form
from dashboard.redirects import SeeOther
from dashboard.timeline import Moment
from dashboard.views.order import EVENTS, order_page
from dashboard.views.orders import orders_page
from reconciler import service

#: A revision has no more digits.
_LONGEST_NUMBER = 18


class Refused(Exception):
    """Nothing was changed; the text says why."""

    def __init__(self, words: str, status: int = 400) -> None:
        super().__init__(words)
        self.status = status


@require_http_methods(["GET", "HEAD", "POST"])
def act_on_one(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Act on an order from its page. A GET changes nothing: a sign-in leads back to it."""
    order, form = _order_or_404(pk), _form(request, verb)
    page = Query.of(request.GET).url(reverse("dashboard:order", args=[pk]))
    if request.method != "POST":
        return HttpResponseRedirect(page)
    _allow(request)
    seen = request.POST.get("seen", "")
    if not form.is_valid() or not _is_number(seen or "0"):
        return order_page(request, order, 400, **_typed(form, pk, verb))
    actor, revision = request.user.get_username(), int(seen) if seen else None
    try:
        done = form.act([pk], actor, timezone.now(), revision)
    except service.ActedSince:
        since = _since(order, int(seen))
        return order_page(request, order, 409, conflict=since, **_typed(form, pk, verb))
    except NotDone as error:
        messages.error(request, str(error))
        return SeeOther(page)
    return SeeOther(_page_after(done) or page)


@require_http_methods(["GET", "HEAD", "POST"])
def act_on_many(request: HttpRequest, verb: str) -> HttpResponse:
    """Act on the ticked orders of the list, or on all that match its query string."""
    query, form = Query.of(request.GET), _form(request, verb)
    page = query.url(reverse("dashboard:orders"))
    if request.method != "POST":
        return HttpResponseRedirect(page)
    _allow(request)
    try:
        keys = _chosen(request, query)
        if not keys:
            raise Refused("None of these orders is there any more.")
        if not form.is_valid():
            raise Refused(next(iter(form.errors.values()))[0])
        done = form.act(keys, request.user.get_username(), timezone.now(), None)
    except Refused as refusal:
        return orders_page(request, query, refusal.status, notice=str(refusal))
    except NotDone as error:
        messages.error(request, str(error))
        return SeeOther(page)
    return SeeOther(_page_after(done) or page)


def _page_after(done: service.Done | service.Pack) -> str:
    """Return the page of what was made; "" if the page one came from shows it."""
    if isinstance(done, service.Pack):
        return reverse("dashboard:pack", args=[done.pk])
    return ""


@require_http_methods(["GET", "HEAD", "POST"])
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back an action, and lead to the page that `next` names."""
    page = _next(request)
    if request.method != "POST":
        return HttpResponseRedirect(page)
    _allow(request)
    action, user = get_object_or_404(service.Action, pk=pk), cast("User", request.user)
    mine = action.actor == user.get_username()
    if not mine and not user.has_perm(UNDO_OF_OTHERS):
        raise PermissionDenied
    try:
        service.undo(pk, user.get_username(), timezone.now(), anybodys=not mine)
    except service.CannotUndo:
        messages.error(request, "That cannot be taken back any more.")
    return SeeOther(page)


def _since(order: service.FailedOrder, seen: int) -> list[Moment]:
    """Return what was done about an order after a revision."""
    now = timezone.now()
    events = [event for event in service.events_of(order, EVENTS) if event.revision > seen]
    return [Moment("event", e.at, e.actor, event=e, told=told(e, now)) for e in events]


def _typed(form: Any, pk: int, verb: str) -> dict[str, Any]:
    """Return what a person sent, so that it is not lost, and why it was refused."""
    fields = [(name, form.data.get(name, "")) for name in form.fields]
    errors = [told[0] for told in form.errors.values()]
    return {
        "typed": fields,
        "typed_note": form.data.get("text", ""),
        "refused": errors[0] if errors else "",
        "refused_path": reverse(f"dashboard:act_{verb}", args=[pk]),
    }


def _order_or_404(pk: int) -> service.FailedOrder:
    order = service.failed_order(pk)
    if order is None:
        raise Http404("There is no such order.")
    return order


def _allow(request: HttpRequest) -> None:
    user: Any = request.user
    if not user.has_perm(WORK_ON_ORDERS):
        raise PermissionDenied


def _form(request: HttpRequest, verb: str) -> Any:
    """Return the form of an action; a reason, which no button can carry, stands in its address."""
    data = request.POST.copy()
    # The rest of the address is the list's filter.
    data.setdefault("reason", request.GET.get("reason", ""))
    return FORMS[verb](data)


def _chosen(request: HttpRequest, query: Query) -> list[int]:
    """Return the orders that are meant. Raises Refused."""
    if only := request.GET.get("only"):
        ticked = [only]
    elif request.POST.get("all"):
        return _all_that_match(request, query)
    else:
        ticked = request.POST.getlist("pk")
    if not ticked or not all(map(_is_number, ticked)):
        raise Refused("Tick at least one order first.")
    there = service.failed_orders().filter(pk__in=set(map(int, ticked)))
    return list(there.order_by("pk").values_list("pk", flat=True))


def _all_that_match(request: HttpRequest, query: Query) -> list[int]:
    shown, form = request.POST["all"], filter_form(request, query)
    if not _is_number(shown) or not form.is_valid():
        raise Refused("It is not clear which orders are meant.")
    if int(shown) > service.MOST_ORDERS:
        raise Refused(f"At most {service.MOST_ORDERS:,} orders at a time.")
    matching = form.asked.matching(timezone.now()).order_by("pk")
    keys = list(matching.values_list("pk", flat=True)[: service.MOST_ORDERS + 1])
    if len(keys) != int(shown):
        words = (
            f"{int(shown):,} orders matched when you looked, {len(keys):,} do now. "
            "Nothing was changed; look again."
        )
        raise Refused(words, 409)
    return keys


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER


def _next(request: HttpRequest) -> str:
    """Return the page of ours that `next` names, else the list."""
    url = request.GET.get("next", "")
    if url_has_allowed_host_and_scheme(url, allowed_hosts=None) and urlsplit(url).path:
        return url
    return reverse("dashboard:orders")
