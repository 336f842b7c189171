"""Orders as files, for spreadsheets: CSV, and an Excel workbook."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard import error_pages
from dashboard.exports import csv_lines, head_of, keys_of
from dashboard.filtering.chips import in_words
from dashboard.filtering.order_filter import OrderFilter
from dashboard.filtering.parameter import Parameters
from dashboard.filtering.parameters import ORDERS
from dashboard.filtering.query import Query
from dashboard.links import orders_path
from dashboard.list_page import filter_form
from dashboard.middleware import fresh_of
from dashboard.views.orders import orders_page
from dashboard.workbook import MOST_ORDERS, workbook_of
from reconciler import service
from reconciler.service import Freshness


@dataclass(frozen=True)
class Export:
    """What a file holds: the orders of a filter, as of a moment."""

    asked: OrderFilter
    fresh: Freshness
    keys: Sequence[int]
    address: str

    def file_name(self, kind: str) -> str:
        """Return a name that tells when, and how many orders."""
        moment = f"{timezone.localtime(self.fresh.now):%Y-%m-%d-%H%M}"
        return f"failed-orders-{moment}-{len(self.keys)}.{kind}"

    @property
    def head(self) -> list[tuple[str, Any]]:
        """Return what is said of the file."""
        return head_of(self.asked, self.fresh, len(self.keys))


@require_safe
def export_csv(request: HttpRequest, parameters: Parameters = ORDERS) -> HttpResponseBase:
    """Send all matching rows; a filter that cannot be read is answered by the list's page."""
    export = _export_of(request, parameters)
    if isinstance(export, HttpResponse):
        return export
    head = export.head if request.GET.get("meta") == "1" else []
    lines = csv_lines(export.keys, export.fresh, export.address, head)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    name = export.file_name("csv")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    _note(request, export, name)
    return response


@require_safe
def export_xlsx(
    request: HttpRequest, parameters: Parameters = ORDERS, most: int = MOST_ORDERS
) -> HttpResponseBase:
    """Send all matching rows as a workbook; more than it takes are refused, never cut."""
    export = _export_of(request, parameters)
    if isinstance(export, HttpResponse):
        return export
    if len(export.keys) > most:
        back = export.asked.query.url(reverse("dashboard:orders"))
        return error_pages.too_many_for_excel(request, len(export.keys), most, back)
    book = workbook_of(export.keys, export.fresh, export.address, export.head)
    name = export.file_name("xlsx")
    _note(request, export, name)
    return FileResponse(book, as_attachment=True, filename=name)


def _export_of(request: HttpRequest, parameters: Parameters) -> Export | HttpResponse:
    query = Query.of(request.GET, parameters).without("page", "per_page")
    fresh, form = fresh_of(request), filter_form(request, query)
    if not form.is_valid():
        return orders_page(request, query)
    address = request.build_absolute_uri(orders_path())
    return Export(form.asked, fresh, keys_of(form.asked, fresh), address)


def _note(request: HttpRequest, export: Export, name: str) -> None:
    """Tell the activity who took a file, and what is in it."""
    if request.method == "GET":
        actor, words = request.user.get_username(), service.mask_keys(in_words(export.asked))
        service.note_export(actor, words, name, timezone.now())
