"""Who is asking to be let in, how often, and for how long a session lasts."""

import ipaddress
import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse

from reconciler import service

logger = logging.getLogger(__name__)

#: Wrong passwords for one name from one address, and from one address for any names, within a
#: quarter of an hour. The next try is refused, until a quarter of an hour after the last one.
TRIES_BY_NAME, TRIES_BY_ADDRESS = 10, 100
LOCKED = timedelta(minutes=15)
#: No longer chain of proxies is followed.
MOST_PROXIES = 10
#: When a session was used last, in seconds since 1970.
USED_AT = "used_at"

View = TypeVar("View", bound=Callable[..., Any])
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_address(request: HttpRequest) -> str | None:
    """Return the client's address, as the proxies in TRUSTED_PROXIES tell it; None if unknown.

    What anybody else writes into `X-Forwarded-For` is not believed.
    """
    address = _read(request.META.get("REMOTE_ADDR", ""))
    told = request.headers.get("X-Forwarded-For", "").split(",")[-MOST_PROXIES:]
    while address and told and _is_trusted(address):
        before = _read(told.pop())
        if before is None:
            break
        address = before
    return str(address) if address else None


def _read(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def _is_trusted(address: Address) -> bool:
    return any(address in network for network in settings.TRUSTED_PROXIES)


class Lockout(AxesDatabaseHandler):  # type: ignore[misc]
    """Axes' own, with a second and larger limit for an address that tries many names."""

    def get_failures(self, request: Any, credentials: dict[str, Any] | None = None) -> int:
        """Return the number of failures that AXES_FAILURE_LIMIT limits."""
        by_name: int = super().get_failures(request, credentials)
        attempts = AccessAttempt.objects.filter(
            ip_address=request.axes_ip_address,
            attempt_time__gte=get_cool_off_threshold(request),
        )
        by_address = attempts.aggregate(sum=Sum("failures_since_start"))["sum"] or 0
        return max(by_name, by_address * TRIES_BY_NAME // TRIES_BY_ADDRESS)


def not_a_use(view: View) -> View:
    """Mark a view that pages ask by themselves: it must not keep a session from ending."""
    view.is_a_use = False  # type: ignore[attr-defined]
    return view


def begin_session(request: HttpRequest, **_: Any) -> None:
    """Note in a session that began just now that it is in use."""
    request.session[USED_AT] = int(time.time())


class Sessions(SessionMiddleware):
    """Ends sessions that were idle for SESSION_IDLE_HOURS; each use puts the end off.

    The use is written down once in SESSION_USE_SECONDS, and only if the database is free: a page
    is not held up by it, and does not fail.
    """

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Save what changed; put the end off if that is all there is to save."""
        session = request.session
        if session.modified or not self._is_used(request):
            return super().process_response(request, response)
        session[USED_AT] = int(time.time())
        try:
            with service.brief_wait():
                return super().process_response(request, response)
        except (SessionInterrupted, *service.UNAVAILABLE) as error:
            logger.warning("A session's use was not written down: %s", error)
            return response

    @staticmethod
    def _is_used(request: HttpRequest) -> bool:
        session, match = request.session, request.resolver_match
        if not session.accessed or SESSION_KEY not in session:
            return False
        if match is not None and not getattr(match.func, "is_a_use", True):
            return False
        age = time.time() - session.get(USED_AT, 0)
        return not 0 <= age < settings.SESSION_USE_SECONDS
