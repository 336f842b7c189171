"""Makes documents, and a HotWax that holds them. Imports nothing of what it is to check."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from reconciler.demo import solr

KEEPS = timedelta(days=60)


def solr_date(moment: datetime) -> str:
    """A date as Solr writes it: without milliseconds where they are nought."""
    fraction = moment.microsecond // 1000
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}" + (
        f".{fraction:03d}Z" if fraction else "Z"
    )


def document(
    name: str = "#1001",
    *,
    logged: datetime | None = None,
    created: datetime | None = None,
    error: str = "Connection timeout",
    host: str = "hc-demo.myshopify.com",
    shop_id: str = "83950764316",
    document_id: str = "",
    **others: Any,
) -> dict[str, Any]:
    """A log document as HotWax documents it; None in ``others`` removes a field."""
    logged = logged or datetime.now(UTC) - timedelta(hours=2)
    created = created or logged - timedelta(hours=1)
    first = created + timedelta(minutes=10)
    fields = {
        "site": f"https://{host}/{shop_id}/orders/e218e7d5c7705560408de87178d8fa6b/authenticate?key=s3cret",
        "shopifyOrderName": name,
        "orderCreatedDate": str(int(created.timestamp() * 1000)),
        "firstAttemptedImport": f"{first:%B} {first.day}, {first:%Y %I:%M:%S %p}",
        "docType": "SHOPIFY_ORDER",
        "ttl": "+60DAYS",
        "errorMessage": error,
        "timestamp": solr_date(logged),
        "expire_at": solr_date(logged + KEEPS),
        "document-id": document_id or str(uuid.uuid4()),
        "version": 17234167832143,
    }
    fields |= others
    return {key: value for key, value in fields.items() if value is not None}


#: The sample of HotWax's documentation, and the reply that carries it.
SAMPLE = {
    "site": "https://hc-demo.myshopify.com/83950764316/orders/e218e7d5c7705560408de87178d8fa6b/authenticate?key=",
    "shopifyOrderName": "#10101011010",
    "orderCreatedDate": "1704335862000",
    "firstAttemptedImport": "January 3, 2024 10:15:12 PM",
    "docType": "SHOPIFY_ORDER",
    "ttl": "+60DAYS",
    "errorMessage": "Service [createShopifyOrder] target threw an unexpected exception (null)",
    "timestamp": "2024-01-10T11:29:31.127Z",
    "expire_at": "2024-03-10T11:29:31.127Z",
    "document-id": "9f1d8a5e-6f0e-4d52-9b4a-0b6f1c2d3e4f",
    "version": 17234167832143,
}


def envelope(documents: list[Any], found: int | None = None, start: int = 0) -> dict[str, Any]:
    """Solr's reply around documents."""
    return {
        "responseHeader": {"zkConnected": True, "status": 0, "QTime": 0},
        "response": {
            "numFound": len(documents) if found is None else found,
            "start": start,
            "numFoundExact": True,
            "docs": documents,
        },
    }


def oms_order(
    name: str,
    when: datetime,
    *,
    order_id: str = "M10231",
    store: str = "STORE_US",
    status: str = "Approved",
    items: int = 1,
    shopify_id: str = "",
    **others: Any,
) -> list[dict[str, Any]]:
    """The documents of an OMS order, one an item; None in ``others`` removes a field."""
    identifications = [f"SHOPIFY_ORD_NAME/{name}"]
    if shopify_id:
        identifications.append(f"SHOPIFY_ORD_ID/{shopify_id}")
    fields = {
        "docType": "ORDER",
        "orderTypeId": "SALES_ORDER",
        "orderId": order_id,
        "orderName": name,
        "orderStatusDesc": status,
        "orderDate": solr_date(when),
        "productStoreId": store,
        "orderIdentifications": identifications,
    } | others
    kept = {key: value for key, value in fields.items() if value is not None}
    return [{"id": f"{order_id}_{n}", "orderItemSeqId": f"{n:05d}", **kept} for n in range(items)]


def two_cores(
    documents: list[Any], orders: list[Any]
) -> Callable[[dict[str, Any]], httpx.Response]:
    """Answer for the log and for the OMS order index, each as the miniature Solr does."""
    log = solr_reply(documents)

    def answer(body: dict[str, Any]) -> httpx.Response:
        if "coreName" in body:
            return log(body)
        status, reply = solr.answer(orders, body["json"], solr.ORDERS)
        return httpx.Response(status, json=reply)

    return answer


def solr_reply(documents: list[Any] | None) -> Callable[[dict[str, Any]], httpx.Response]:
    """Answer as the miniature Solr does; the list may change between two requests."""
    held = documents if documents is not None else []

    def answer(body: dict[str, Any]) -> httpx.Response:
        status, reply = solr.answer(held, body["json"])
        return httpx.Response(status, json=reply)

    return answer


def static(reply: Any, status: int = 200) -> Callable[[dict[str, Any]], httpx.Response]:
    """Answer any request with the same."""
    text = reply if isinstance(reply, str) else json.dumps(reply)
    return lambda body: httpx.Response(
        status, text=text, headers={"Content-Type": "application/json"}
    )
