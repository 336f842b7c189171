"""The orders as JSON, for whoever is signed in: the same filters, pages by cursor."""

from datetime import datetime
from typing import Any

from django import forms
from django.core import signing
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_safe

from dashboard.filtering.order_filter import OrderFilter
from dashboard.filtering.parameter import Parameters
from dashboard.filtering.parameters import ORDERS
from dashboard.filtering.query import Query
from dashboard.list_page import filter_form
from dashboard.middleware import fresh_of
from dashboard.wording import machine
from reconciler import service

MOST = 200
DEFAULT_LIMIT = 50
SALT = "reconciler.api.orders"


class PagingForm(forms.Form):
    """`cursor`, as the page before gave it, and `limit`."""

    cursor = forms.CharField(required=False, max_length=4000)
    limit = forms.IntegerField(required=False, min_value=1, max_value=MOST)

    def clean_cursor(self) -> list[Any] | None:
        """Read the place it holds: sort, value sorted by, id."""
        text = self.cleaned_data["cursor"]
        try:
            place: list[Any] | None = signing.loads(text, salt=SALT) if text else None
        except signing.BadSignature:
            raise forms.ValidationError("Take the cursor as the page before gave it.") from None
        return place


@require_safe
def orders(request: HttpRequest, parameters: Parameters = ORDERS) -> JsonResponse:
    """List the orders that match, `limit` at a time; `next` is the address of the next page."""
    form = filter_form(request, Query.of(request.GET, parameters).without("page", "per_page"))
    paging = PagingForm(request.GET)
    if not (form.is_valid() and paging.is_valid()):
        return JsonResponse({"errors": form.errors | paging.errors}, status=400)
    place, limit = paging.cleaned_data["cursor"], paging.cleaned_data["limit"] or DEFAULT_LIMIT
    asked, fresh = form.asked, fresh_of(request)
    if place and place[0] != asked.sort:
        return JsonResponse({"errors": {"cursor": ["It belongs to another sort."]}}, status=400)
    matching = asked.matching(fresh.now)
    after = service.with_sorted_value(_after(matching, place), asked.sort)
    shown = list(after.sorted_by(asked.sort).for_list()[: limit + 1])
    answer = {
        "total": matching.count(),
        "as_of": _moment(fresh.as_of),
        "orders": [_order(order, request) for order in shown[:limit]],
        "next": _next(request, asked, shown[limit - 1]) if len(shown) > limit else None,
    }
    return JsonResponse(answer)


def _after(rows: service.FailedOrderQuerySet, place: list[Any] | None) -> Any:
    if not place:
        return rows
    sort, value, pk = place
    return service.following(rows, sort, _read(sort, value), pk)


def _next(request: HttpRequest, asked: OrderFilter, last: service.FailedOrder) -> str:
    # The value that the page was sorted by: the order may have moved since it was read.
    value = last.sorted_value  # type: ignore[attr-defined]
    written = value.isoformat() if isinstance(value, datetime) else value
    parameters = request.GET.copy()
    parameters["cursor"] = signing.dumps([asked.sort, written, last.pk], salt=SALT)
    return request.build_absolute_uri(f"{request.path}?{parameters.urlencode()}")


def _read(sort: str, written: Any) -> Any:
    dated = sort.removeprefix("-") in service.DATES
    return parse_datetime(written) if dated and written is not None else written


def _order(order: service.FailedOrder, request: HttpRequest) -> dict[str, Any]:
    return {
        "id": order.pk,
        "order": order.order_name,
        "document_id": order.latest_document_key,
        "shop": order.shop.name,
        "site": service.mask_keys(order.site_url),
        "error": order.error_excerpt,
        **_signature(order.signature),
        "attempts": order.attempt_count,
        "state": order.state,
        "state_detail": order.state_detail,
        "assignee": order.assignee or "",
        "verdict": order.verdict,
        "verdict_at": _moment(order.verdict_at),
        "oms_orders": order.oms_orders,
        **_dates(order),
        "url": request.build_absolute_uri(reverse("dashboard:order", args=[order.pk])),
    }


def _signature(signature: Any) -> dict[str, Any]:
    return {
        "signature": {"slug": signature.slug, "template": signature.template},
        "category": signature.category,
        "retry": signature.retry,
        "in_plain_words": signature.plain,
    }


def _dates(order: service.FailedOrder) -> dict[str, str | None]:
    dates = {name: _moment(getattr(order, column)) for name, column in service.DATES.items()}
    return dates | {"left_log": _moment(order.left_log_at)}


def _moment(moment: datetime | None) -> str | None:
    return machine(moment) if moment else None
