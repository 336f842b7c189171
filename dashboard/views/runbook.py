"""Writing the runbook of an error. Nothing is overwritten unseen, and nothing typed is lost."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from dashboard.accounts import EDIT_RUNBOOKS
from dashboard.error_list import signature_or_404
from dashboard.filtering.fields import TextField
from dashboard.markdown import PLACEHOLDERS, rendered, without_order
from reconciler import service


class RunbookForm(forms.Form):
    """The text, and the number of the revision that it was begun from."""

    text = TextField(max_length=service.LONGEST_RUNBOOK, required=False, strip=False)
    base = forms.IntegerField(min_value=0, widget=forms.HiddenInput)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(EDIT_RUNBOOKS, raise_exception=True)
def runbook(request: HttpRequest, slug: str) -> HttpResponse:
    """Edit a runbook; `preview` shows what it will look like, and saves nothing."""
    signature = signature_or_404(slug)
    latest = service.runbook_of(signature)
    begun = _begun_from(signature, request.GET.get("revision", ""), latest)
    initial = {"text": begun.text, "base": latest.number}
    form = RunbookForm(request.POST if request.method == "POST" else None, initial=initial)
    context = {"signature": signature, "form": form, "placeholders": PLACEHOLDERS.items()}
    if request.method == "GET" or "preview" in request.POST or not form.is_valid():
        shown = form["text"].value() or ""
        context["preview"] = rendered(shown, without_order()) if not form.errors else ""
        return render(
            request, "dashboard/runbook.html", context, status=400 if form.errors else 200
        )
    return _save(request, signature, form, context)


def _begun_from(
    signature: service.ErrorSignature, wanted: str, latest: service.Runbook
) -> service.Runbook:
    """Begin from the latest text, or from an earlier one to bring it back."""
    history = service.runbook_history(signature) if wanted else []
    return next((book for book in history if str(book.number) == wanted), latest)


def _save(
    request: HttpRequest,
    signature: service.ErrorSignature,
    form: RunbookForm,
    context: dict[str, Any],
) -> HttpResponse:
    text, base = form.cleaned_data["text"], form.cleaned_data["base"]
    actor = request.user.get_username()
    try:
        saved = service.edit_runbook(signature.pk, text, base, actor, timezone.now())
    except service.RunbookChanged:
        theirs = service.runbook_of(signature)
        context |= {"theirs": theirs, "mine": text}
        return render(request, "dashboard/runbook.html", context, status=409)
    words = "The runbook is saved." if saved else "That is what it says already."
    messages.add_message(request, messages.SUCCESS if saved else messages.INFO, words)
    return redirect(reverse("dashboard:error", args=[signature.slug]))
