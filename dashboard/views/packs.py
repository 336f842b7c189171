"""Re-import packs: their list, a pack with what became of it, and what one does with a batch."""

from collections.abc import Callable
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from dashboard.accounts import WORK_ON_ORDERS
from dashboard.acting import frame_of_acting
from dashboard.filtering.fields import PageField
from dashboard.middleware import fresh_of
from dashboard.redirects import SeeOther
from dashboard.tables import ClampingPaginator
from dashboard.wording import plural
from reconciler import service

ON_A_PAGE = 50


class PageForm(forms.Form):
    """The query string of /packs/."""

    page = PageField()


class IdsForm(forms.Form):
    """Numbers of orders in Shopify: pasted, or Shopify's own export of orders."""

    ids = forms.CharField(required=False, max_length=service.LONGEST_IDS)
    file = forms.FileField(required=False, max_length=200)

    def text(self) -> str:
        """Return what was sent. Raises UnreadableIds."""
        file = self.cleaned_data["file"]
        if file is None:
            return str(self.cleaned_data["ids"])
        # One byte more than is read, so that a file that is too long is refused, never cut.
        return str(file.read(service.LONGEST_IDS + 1).decode("utf-8", "replace"))


@require_safe
def packs(request: HttpRequest) -> HttpResponse:
    """List the packs, newest first, with what became of each."""
    form, now = PageForm(request.GET), fresh_of(request).now
    number = form.cleaned_data["page"] if form.is_valid() else 1
    page = ClampingPaginator(service.all_packs(), ON_A_PAGE).page(number)
    context = {
        "page": page,
        "rows": service.pack_rows(list(page)),
        "now": now,
        **frame_of_acting(request, now),
    }
    return render(request, "dashboard/packs.html", context, status=200 if form.is_valid() else 400)


@require_safe
def pack(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a pack: what to copy, and what became of it."""
    shown, now = get_object_or_404(service.Pack, pk=pk), fresh_of(request).now
    batches = service.outcomes(shown, now)
    told = [one for one in batches if one.batch.imported_at or shown.checked_at]
    context = {
        "pack": shown,
        "batches": batches,
        "left_out": service.left_out_of(shown),
        "total": sum(one.of for one in batches),
        "arrived": sum(one.arrived for one in told),
        "told_of": sum(one.of for one in told),
        "import_link": service.import_link(),
        "interval": service.import_interval(),
        "now": now,
        **frame_of_acting(request, now),
    }
    return render(request, "dashboard/pack.html", context)


def _changing(
    change: Callable[..., None],
) -> Callable[..., HttpResponse]:
    """Make a view of what changes a pack: for those who work on orders, and back to its page."""

    @require_http_methods(["GET", "HEAD", "POST"])
    def view(request: HttpRequest, pk: int, **numbers: int) -> HttpResponse:
        page = reverse("dashboard:pack", args=[pk])
        changed = get_object_or_404(service.Pack, pk=pk)
        if request.method != "POST":
            return HttpResponseRedirect(page)
        if not cast("User", request.user).has_perm(WORK_ON_ORDERS):
            raise PermissionDenied
        change(request, changed, **numbers)
        return SeeOther(page)

    return view


@_changing
def check(request: HttpRequest, shown: service.Pack) -> None:
    """Ask the OMS about the orders of a pack, now."""
    batches = service.outcomes(shown, timezone.now())
    checked = service.check_now([member.order for one in batches for member in one.members])
    if checked.error:
        messages.error(request, f"HotWax gave no answer. {checked.error}")
        return
    service.note_checked(shown, timezone.now())
    if checked.later:
        later = plural(checked.later, "order")
        messages.success(request, f"HotWax was asked; {later} will be asked about in a minute.")
    else:
        messages.success(request, "HotWax was asked.")


@_changing
def imported(request: HttpRequest, shown: service.Pack, number: int) -> None:
    """Note that a batch was given to the import job."""
    batch = get_object_or_404(shown.batches, number=number)
    actor = request.user.get_username()
    if not service.note_imported(batch, actor, timezone.now()):
        messages.info(request, "That was said before.")


@_changing
def ids(request: HttpRequest, shown: service.Pack, number: int) -> None:
    """Read numbers of orders in Shopify for a batch."""
    batch: Any = get_object_or_404(shown.batches, number=number)
    form = IdsForm(request.POST, request.FILES)
    try:
        # Django leaves the file out of a body that is larger than what it keeps in memory.
        cut = int(request.META.get("CONTENT_LENGTH") or 0) > settings.FILE_UPLOAD_MAX_MEMORY_SIZE
        if cut or not form.is_valid():
            raise service.UnreadableIds(
                f"That is too long, or no text: at most {service.LONGEST_IDS:,} characters."
            )
        matched = service.add_ids(batch, form.text())
    except service.UnreadableIds as error:
        messages.error(request, str(error))
        return
    messages.success(request, f"{plural(matched, 'order')} of this batch matched.")
