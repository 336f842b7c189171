"""How the connection to HotWax stands, and a check of it, step by step."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dashboard.accounts import VIEWER, role_of
from reconciler import service


@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """Show what is known, without asking."""
    found = service.status()
    context = {
        "status": found,
        "row": found.row,
        "now": timezone.now(),
        "may_check": role_of(request.user) != VIEWER,
    }
    return render(request, "dashboard/status.html", context)


@require_POST
def check(request: HttpRequest) -> HttpResponse:
    """Check the connection live; a dozen requests, so not for those who only look."""
    if role_of(request.user) == VIEWER:
        raise PermissionDenied
    service.check_connection()
    return redirect("dashboard:status")
