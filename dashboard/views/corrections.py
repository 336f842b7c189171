"""Correcting category and retry advice of an error."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from dashboard.accounts import CORRECT_ERRORS
from dashboard.error_list import signature_or_404
from dashboard.filtering.parameters import ERRORS
from dashboard.filtering.query import Query
from reconciler import service


class CorrectionForm(forms.Form):
    """Category and retry advice of a signature."""

    category = forms.ChoiceField(choices=service.Category.choices)
    retry = forms.ChoiceField(choices=service.Retry.choices)


def correction_form(path: str) -> dict[str, Any]:
    """Return the choices of the correction form, and where it leads."""
    return {
        "correction_path": path,
        "categories": service.Category.choices,
        "advice": service.Retry.choices,
    }


@require_http_methods(["GET", "HEAD", "POST"])
def correct(request: HttpRequest, slug: str) -> HttpResponse:
    """Correct the signature of an error, for all orders that have it.

    A GET changes nothing: it is where the sign-in leads back to after a session ended.
    """
    signature = signature_or_404(slug)
    if request.method == "POST":
        _correct(request, signature.pk)
    path = reverse("dashboard:error", args=[signature.slug])
    return redirect(Query.of(request.GET, ERRORS).url(path))


def _correct(request: HttpRequest, signature: int) -> None:
    if not request.user.has_perm(CORRECT_ERRORS):
        raise PermissionDenied
    form = CorrectionForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose a category and what to do from the lists.")
        return
    category = service.Category(form.cleaned_data["category"])
    retry = service.Retry(form.cleaned_data["retry"])
    actor = request.user.get_username()
    if service.correct(signature, category, retry, actor, timezone.now()):
        words = f"All orders with this error are now: {category.label}, {retry.label.lower()}."
        messages.success(request, words)
    else:
        messages.info(request, "That is what it says already.")
