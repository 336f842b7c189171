"""Correcting what kind of error an order's is."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from dashboard.accounts import ADMIN, MANAGER, role_of
from dashboard.filtering.query import ErrorsQuery, Query
from reconciler import service


class KindForm(forms.Form):
    """Category and retry verdict of a signature."""

    category = forms.ChoiceField(choices=service.Category.choices)
    retry = forms.ChoiceField(choices=service.Retry.choices)


def may_correct(request: HttpRequest) -> bool:
    """Say whether this person may correct a signature: Managers and Admins."""
    return role_of(request.user) in (MANAGER, ADMIN)


def kinds(request: HttpRequest) -> dict[str, Any]:
    """Return what the form needs."""
    return {
        "may_correct": may_correct(request),
        "categories": service.Category.choices,
        "advice": service.Retry.choices,
    }


@require_http_methods(["GET", "POST"])
def correct(request: HttpRequest, pk: int) -> HttpResponse:
    """Correct the signature of an order's error, for all orders that have it.

    A GET changes nothing: it is where the sign-in leads back to after a session ended.
    """
    order = get_object_or_404(service.failed_orders(), pk=pk)
    _take(request, order.signature_id)
    return redirect(Query.of(request.GET).url(reverse("dashboard:order", args=[pk])))


@require_http_methods(["GET", "POST"])
def correct_error(request: HttpRequest, slug: str) -> HttpResponse:
    """Correct a signature from its own page."""
    signature = service.error_named(slug)
    if signature is None:
        raise Http404("There is no such error.")
    _take(request, signature.pk)
    path = reverse("dashboard:error", args=[signature.slug])
    return redirect(ErrorsQuery.of(request.GET).url(path))


def _take(request: HttpRequest, signature: int) -> None:
    if request.method != "POST":
        return
    if not may_correct(request):
        raise PermissionDenied
    form = KindForm(request.POST)
    if form.is_valid():
        _correct(request, signature, form)
    else:
        messages.error(request, "Choose a category and what to do from the lists.")


def _correct(request: HttpRequest, signature: int, form: KindForm) -> None:
    category = service.Category(form.cleaned_data["category"])
    retry = service.Retry(form.cleaned_data["retry"])
    actor = request.user.get_username()
    if service.correct(signature, category, retry, actor, timezone.now()):
        words = f"All orders with this error are now: {category.label}, {retry.label.lower()}."
        messages.success(request, words)
    else:
        messages.info(request, "That is what it says already.")
