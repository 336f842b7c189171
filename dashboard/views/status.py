"""How the connection to HotWax stands, and a check of it, step by step."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from dashboard.accounts import CHECK_CONNECTION
from dashboard.middleware import fresh_of
from dashboard.news import news_of
from dashboard.sign_in import not_a_use
from reconciler import service


@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """Show what is known, without asking."""
    found = service.status()
    context = {"status": found, "row": found.row, "now": fresh_of(request).now}
    return render(request, "dashboard/status.html", context)


@require_safe
@not_a_use
def trust(request: HttpRequest) -> HttpResponse:
    """Answer with the trust line as it is now: open pages ask for it once an interval.

    A list adds its own query string, and is told what it does not show yet.
    """
    news = news_of(request, fresh_of(request))
    return render(request, "dashboard/_refreshed.html", {"news": news})


@require_POST
@permission_required(CHECK_CONNECTION, raise_exception=True)
def check(request: HttpRequest) -> HttpResponse:
    """Check the connection live. It takes a dozen requests, so Viewers may not."""
    service.check_connection()
    return redirect("dashboard:status")
