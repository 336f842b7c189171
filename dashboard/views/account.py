"""Signing in, and how the pages look to whom."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from dashboard.accounts import DEMO_ACCOUNTS, demo_accounts_work
from dashboard.models import DemoAccount

A_YEAR = 365 * 24 * 3600
#: Django's forms would also take a PUT.
METHODS = ("get", "head", "post", "options")


class SignIn(LoginView):
    """Django's sign-in; in the demo one click is enough."""

    template_name = "dashboard/login.html"
    http_method_names = METHODS
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Offer the demo's accounts where they work."""
        accounts = DEMO_ACCOUNTS.items() if demo_accounts_work() else []
        return super().get_context_data(**kwargs, demo_accounts=accounts)


class ChangePassword(PasswordChangeView):
    """Let everybody change their own password; those of the demo are known to all and stay."""

    template_name = "dashboard/password.html"
    http_method_names = METHODS
    success_url = reverse_lazy("dashboard:password")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Refuse the demo's accounts."""
        if DemoAccount.objects.filter(user__username=request.user.get_username()).exists():
            raise PermissionDenied("The password of a demo account stays its name.")
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        """Keep this session; Django ends the others."""
        answer = super().form_valid(form)
        messages.success(self.request, "Your password is changed; your other sessions have ended.")
        return answer


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
