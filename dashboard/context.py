"""What the frame of every page shows: role, instance, trust line."""

import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from dashboard.accounts import role_of
from dashboard.filtering.query import Query
from dashboard.middleware import fresh_of
from reconciler import service
from reconciler.service import Freshness

#: DESIGN.md §3: no eval, no inline styles, a history restore is a whole page, errors are shown.
HTMX_CONFIG = json.dumps(
    {
        "historyRestoreAsHxRequest": False,
        "includeIndicatorStyles": False,
        "allowEval": False,
        "historyCacheSize": 0,
        "responseHandling": [
            {"code": "204", "swap": False},
            {"code": "[2345]..", "swap": True},
        ],
    }
)


def _address(request: HttpRequest) -> str:
    """Return the page's address; without its query where values in it are refused as too long."""
    return request.path if Query.of(request.GET).refused else request.get_full_path()


def _freshness(request: HttpRequest) -> Freshness | None:
    """Return what dashboard.middleware.Ledger found, or what is known on pages that it passes by.

    These are pages that do not exist, and answers to what somebody sent. None where nobody is
    signed in, or where the ledger cannot be read.
    """
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    try:
        return fresh_of(request)
    except (service.AnotherHotWax, *service.UNAVAILABLE):
        return None


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return what base.html shows."""
    user = getattr(request, "user", None)
    appearance = request.COOKIES.get("appearance", "system")
    return {
        "appearance": appearance if appearance in ("light", "dark") else "system",
        "demo": settings.DEMO,
        "htmx_config": HTMX_CONFIG,
        "own_address": _address(request),
        "instance": settings.HOTWAX_URL.split("//")[-1],
        "role": role_of(user) if user is not None and user.is_authenticated else "",
        "freshness": _freshness(request),
        "now_at": timezone.now(),
        "zone": timezone.get_current_timezone_name(),
        "refresh_seconds": settings.HOTWAX_FRESH_SECONDS,
    }
