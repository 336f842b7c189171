"""What fails for everybody, in words: each class of error once, as a page or as a fragment."""

import logging
import sys

from django.http import HttpRequest, HttpResponse, HttpResponseServerError, JsonResponse
from django.template.loader import render_to_string

from reconciler import service

logger = logging.getLogger(__name__)


def told(error: BaseException | None) -> dict[str, str] | None:
    """Return what failed and what still works; None for errors without words."""
    if isinstance(error, service.AnotherHotWax):
        return {"title": "This ledger belongs to another HotWax", "reason": str(error)}
    if not isinstance(error, service.UNAVAILABLE):
        return None
    reason = service.reason_of(error)
    if reason == service.DISK_FULL:
        return {
            "title": "The disk is full",
            "reason": "Nothing new can be kept. Make room; what HotWax logged is read again then.",
        }
    return {
        "title": "The database does not answer",
        "reason": "Nothing is lost: what HotWax logged is read again. Try again in a moment.",
    }


def wants_json(request: HttpRequest) -> bool:
    """Return True for a request to the API."""
    return request.path.startswith("/api/")


def respond(request: HttpRequest, error: BaseException | None) -> HttpResponse | None:
    """Return a 503 that says what failed; None for errors without words.

    The page asks for nothing that itself needs the database.
    """
    words = told(error)
    if words is None:
        return None
    logger.error("%s: %s", request.path, error)
    return _draw(request, {**words, "here": request.get_full_path()}, 503)


def address_too_long(request: HttpRequest) -> HttpResponse:
    """Return a 414 in words. Repeats nothing of the address."""
    reason = (
        "It holds more than links of ours do. Paste a long list of names into “Order names” "
        "of the list: it goes by another way, and leads to a short address."
    )
    words = {"title": "This address is too long", "reason": reason, "elsewhere": "/orders/"}
    return _draw(request, words, 414)


def too_many_for_excel(request: HttpRequest, count: int, most: int, address: str) -> HttpResponse:
    """Return a 400 in words; ``address`` leads back to the list."""
    reason = (
        f"{count:,} orders match; a workbook takes {most:,}. Narrow the list by its filters, or "
        "take the CSV, which has no such limit."
    )
    words = {"title": "Too many orders for Excel", "reason": reason, "elsewhere": address}
    return _draw(request, words, 400)


def _draw(request: HttpRequest, words: dict[str, str], status: int) -> HttpResponse:
    if wants_json(request):
        told = {"error": words["title"], "reason": words["reason"]}
        return JsonResponse(told, status=status)
    fragment = bool(request.headers.get("HX-Request"))
    template = "dashboard/_failed.html" if fragment else "dashboard/failed.html"
    context = {**words, "appearance": "system"}
    return HttpResponse(render_to_string(template, context), status=status)


def server_error(request: HttpRequest) -> HttpResponse:
    """Handle errors outside our middleware, such as a session that cannot be loaded."""
    answer = respond(request, sys.exc_info()[1])
    return answer or HttpResponseServerError(render_to_string("500.html"))
