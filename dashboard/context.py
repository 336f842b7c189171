"""What the frame of every page shows: role, instance, trust line."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from dashboard.accounts import role_of


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context processor. ``freshness`` is what dashboard.middleware.Ledger found."""
    user = getattr(request, "user", None)
    appearance = request.COOKIES.get("appearance", "system")
    return {
        "appearance": appearance if appearance in ("light", "dark") else "system",
        "demo": settings.DEMO,
        "instance": settings.HOTWAX_URL.split("//")[-1],
        "role": role_of(user) if user is not None and user.is_authenticated else "",
        "freshness": getattr(request, "freshness", None),
        "now_at": timezone.now(),
    }
