"""Signing in, and how the pages look to whom."""

from typing import Any

from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from dashboard.accounts import DEMO_ACCOUNTS, demo_accounts_work

A_YEAR = 365 * 24 * 3600


class SignIn(LoginView):
    """Django's sign-in; in the demo one click is enough."""

    template_name = "dashboard/login.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Offer the demo's accounts where they work."""
        accounts = DEMO_ACCOUNTS.items() if demo_accounts_work() else []
        return super().get_context_data(**kwargs, demo_accounts=accounts)


@require_POST
def appearance(request: HttpRequest) -> HttpResponse:
    """Remember light, dark, or what the system says."""
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = "/"
    response = redirect(back)
    value = request.POST.get("appearance", "")
    if value in ("light", "dark"):
        response.set_cookie(
            "appearance", value, max_age=A_YEAR, samesite="Lax", secure=request.is_secure()
        )
    else:
        response.delete_cookie("appearance", samesite="Lax")
    return response
