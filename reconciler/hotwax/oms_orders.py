"""Documents of the OMS order index -> frozen dataclasses. Pure: no network, no database, no clock.

The index holds a document per order item; all of them say the same of their order (HOTWAX.md, "Has
the order arrived?"). Where they do not, what they differ in counts as not known.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from reconciler.hotwax.dates import read_date
from reconciler.hotwax.documents import clean

#: What is asked of an order; nothing of the person who placed it.
FIELDS = (
    "orderId",
    "orderName",
    "orderStatusDesc",
    "orderDate",
    "productStoreId",
    "orderIdentifications",
)
#: An identification begins with its type.
_SHOPIFY_ID = "SHOPIFY_ORD_ID/"
#: Longer values are no ids, and are not kept.
_LONGEST = 200


@dataclass(frozen=True)
class OmsOrder:
    """An order in the OMS. Texts are empty, and the date None, where they are not known."""

    order_id: str
    name: str
    status: str = ""
    #: In UTC.
    ordered_at: datetime | None = None
    product_store: str = ""
    #: The order's number in Shopify's addresses.
    shopify_id: str = ""

    @property
    def is_cancelled(self) -> bool:
        """Return True if its status begins with "cancel", in any case."""
        return self.status.strip().casefold().startswith("cancel")

    def as_json(self) -> dict[str, str]:
        """Write it as a JSON object; ``of_json`` reads it."""
        return {
            "id": self.order_id,
            "name": self.name,
            "status": self.status,
            "date": self.ordered_at.astimezone(UTC).isoformat() if self.ordered_at else "",
            "store": self.product_store,
            "shopify_id": self.shopify_id,
        }

    @classmethod
    def of_json(cls, written: Mapping[str, str]) -> "OmsOrder":
        """Read what ``as_json`` wrote."""
        date = written["date"]
        return cls(
            written["id"],
            written["name"],
            written["status"],
            datetime.fromisoformat(date) if date else None,
            written["store"],
            written["shopify_id"],
        )


def read_oms_orders(raws: Iterable[object], zone: ZoneInfo) -> list[OmsOrder]:
    """Read the orders of a reply, each once; documents without an order name are left out.

    ``zone`` is the zone of dates written without one (HOTWAX_TIME_ZONE). Never raises.
    """
    orders: dict[tuple[str, str], OmsOrder] = {}
    for raw in raws:
        order = _read(raw, zone) if isinstance(raw, dict) else None
        if order is not None:
            key = (order.order_id, order.name)
            orders[key] = _agreed(orders[key], order) if key in orders else order
    return list(orders.values())


def _read(raw: Mapping[str, Any], zone: ZoneInfo) -> OmsOrder | None:
    name = _text(raw.get("orderName"))
    if not name:
        return None
    return OmsOrder(
        _text(raw.get("orderId")),
        name,
        _text(raw.get("orderStatusDesc")),
        read_date(_text(raw.get("orderDate")), zone),
        _text(raw.get("productStoreId")),
        _shopify_id(raw.get("orderIdentifications")),
    )


def _text(value: object) -> str:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = clean(str(value))
    return text if len(text) <= _LONGEST else ""


def _shopify_id(value: object) -> str:
    texts = value if isinstance(value, list) else [value]
    ids = {
        text.removeprefix(_SHOPIFY_ID)
        for text in texts
        if isinstance(text, str) and text.startswith(_SHOPIFY_ID)
    }
    number = ids.pop() if len(ids) == 1 else ""
    return number if number.isascii() and number.isdigit() and len(number) <= 20 else ""


def _agreed(one: OmsOrder, other: OmsOrder) -> OmsOrder:
    """Keep what two documents of an order agree in; cancelled is what one of them calls so."""
    status = other.status if other.is_cancelled else one.status
    return replace(
        one,
        status=status,
        ordered_at=one.ordered_at if one.ordered_at == other.ordered_at else None,
        product_store=one.product_store if one.product_store == other.product_store else "",
        shopify_id=one.shopify_id if one.shopify_id == other.shopify_id else "",
    )
