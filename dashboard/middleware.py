"""What every request passes through: sign-in, a fresh ledger, and errors told in one place."""

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django_htmx.http import HttpResponseClientRedirect

from reconciler import service

logger = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class LoginRequired(LoginRequiredMiddleware):
    """Django's, except that a fragment's request sends the whole page to the sign-in."""

    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: Callable[..., Any]
    ) -> HttpResponseBase:
        """Redirect the page, not the fragment."""
        if not request.headers.get("HX-Request"):
            return super().handle_no_permission(request, view_func)
        here = urlsplit(request.headers.get("HX-Current-URL", ""))
        back = here.path + (f"?{here.query}" if here.query else "") or request.get_full_path()
        return HttpResponseClientRedirect(f"{settings.LOGIN_URL}?next={quote(back, safe='/')}")


class Ledger:
    """Refreshes the ledger before a page of ours, and renders each class of error once."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass on; the two hooks below do the work."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Ask HotWax what changed, if it is time to; ``request.freshness`` tells how it went."""
        match = request.resolver_match
        asks = match is not None and match.app_name == "dashboard" and request.method == "GET"
        if not asks or not request.user.is_authenticated:
            return None
        try:
            request.freshness = service.refresh()  # type: ignore[attr-defined]
        except (service.AnotherHotWax, DatabaseError) as error:
            return self.process_exception(request, error)
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Say what failed, why, and what still works: as a page, or as the part asked for."""
        if isinstance(error, Http404 | PermissionDenied):
            return None  # Django's own pages
        told = _told(error)
        if told is None:
            return None
        logger.error("%s: %s", request.path, error)
        fragment = bool(request.headers.get("HX-Request"))
        template = "dashboard/_failed.html" if fragment else "dashboard/failed.html"
        return render(request, template, told, status=503)


def _told(error: Exception) -> dict[str, str] | None:
    if isinstance(error, service.AnotherHotWax):
        return {"title": "This ledger belongs to another HotWax", "reason": str(error)}
    if isinstance(error, DatabaseError):
        return {
            "title": "The database does not answer",
            "reason": "Nothing is lost: what HotWax logged is read again. Try again in a moment.",
        }
    return None
