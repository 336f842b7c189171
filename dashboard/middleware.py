"""What every request passes through: sign-in, a fresh ledger, and errors told in one place."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.cache import patch_cache_control, patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect

from dashboard import error_pages
from reconciler import service
from reconciler.stack import with_room

GetResponse = Callable[[HttpRequest], HttpResponseBase]
#: Characters of path and query string. A longer list of order names goes by POST.
LONGEST_ADDRESS = 8 * 1024


class LoginRequired(LoginRequiredMiddleware):
    """Django's, except that a fragment's request sends the whole page to the sign-in."""

    def process_view(
        self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        """Let views without a sign-in through before Django asks for the user."""
        if not getattr(view_func, "login_required", True):
            return None
        return super().process_view(request, view_func, view_args, view_kwargs)

    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: Callable[..., Any]
    ) -> HttpResponseBase:
        """Redirect the whole page, also for a fragment; answer the API with 401 as JSON."""
        if error_pages.wants_json(request):
            return JsonResponse(
                {"error": "Sign in first.", "login": settings.LOGIN_URL}, status=401
            )
        if not request.headers.get("HX-Request"):
            return super().handle_no_permission(request, view_func)
        back = _path_of(request.headers.get("HX-Current-URL", "")) or request.get_full_path()
        url = f"{settings.LOGIN_URL}?next={quote(back, safe='/')}"
        response = HttpResponseClientRedirect(url)
        patch_vary_headers(response, ["HX-Request"])
        return response


class RoomForFrames:
    """Comes first: whatever answers a request has room for its frames in one piece."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Call all that follows from a frame that has room (reconciler/stack.py)."""
        return with_room(self.get_response, request)


class ShortAddress:
    """Refuses addresses that no link of ours has: every link of a page would repeat them."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer 414 to an address of more than LONGEST_ADDRESS characters."""
        if len(request.path) + len(request.META.get("QUERY_STRING", "")) > LONGEST_ADDRESS:
            return error_pages.address_too_long(request)
        return self.get_response(request)


def _path_of(url: str) -> str:
    """Return path and query of an address; "" if it cannot be read."""
    try:
        here = urlsplit(url)
    except ValueError:
        return ""
    return here.path + (f"?{here.query}" if here.query else "")


class Private:
    """Lets nobody keep a copy of what lies behind the sign-in."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Mark every response but those of views without a sign-in."""
        response = self.get_response(request)
        match = request.resolver_match
        if match is None or getattr(match.func, "login_required", True):
            patch_cache_control(response, private=True, no_store=True)
        return response


class Ledger:
    """Refreshes the ledger before a page of ours, and renders each class of error once."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on; the hooks below do the work."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Refresh the ledger, and set ``request.freshness``."""
        match = request.resolver_match
        reads = request.method in ("GET", "HEAD")
        ours = match is not None and match.app_name == "dashboard" and reads
        # Health and sign-in ask for no session, so they must not ask for a user here either.
        if (
            not ours
            or not getattr(view, "login_required", True)
            or not request.user.is_authenticated
        ):
            return None
        try:
            request.freshness = service.refresh()  # type: ignore[attr-defined]
        except (service.AnotherHotWax, *service.UNAVAILABLE) as error:
            return self.process_exception(request, error)
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Return a page, or a fragment, that says what failed and what still works."""
        if isinstance(error, Http404 | PermissionDenied):
            return None  # Django's own pages
        return error_pages.respond(request, error)


def fresh_of(request: HttpRequest) -> service.Freshness:
    """Return how fresh the ledger was when the request came in; of a POST, how fresh it is."""
    if not hasattr(request, "freshness"):
        request.freshness = service.freshness()  # type: ignore[attr-defined]
    return request.freshness  # type: ignore[no-any-return,attr-defined]
