"""Which HotWax the settings name, and how its documents are read."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from reconciler.hotwax.client import Endpoint
from reconciler.hotwax.documents import Reading
from reconciler.hotwax.links import import_screen
from reconciler.ledger.signatures.rules import RULES, SignatureRules


class AnotherHotWax(Exception):
    """The ledger belongs to another HotWax than the settings name."""

    def __init__(self, ledger: str, wanted: str) -> None:
        super().__init__(
            f"This ledger was filled from {ledger}, but the settings name {wanted}. "
            "Set HOTWAX_URL, HOTWAX_CORE and HOTWAX_DOC_TYPE back, or give the other HotWax a "
            "database of its own with DATABASE_URL."
        )


@dataclass(frozen=True)
class Source:
    """A HotWax instance, the log in it, and the rules by which its documents are read."""

    endpoint: Endpoint
    core: str
    doc_type: str
    reading: Reading
    rules: SignatureRules = RULES
    #: Collection of the OMS order index; "" for HotWax's default.
    order_core: str = ""
    #: Host of a shop -> id of its product store in the OMS.
    product_stores: Mapping[str, str] = field(default_factory=dict)

    @property
    def instance(self) -> str:
        """Return the name under which the ledger remembers this log."""
        return f"{self.endpoint.url} {self.core} {self.doc_type}"

    @property
    def derivation(self) -> str:
        """Return a hash that changes whenever the same documents would give other rows."""
        parts = f"{self.reading.fingerprint} signatures {self.rules.version}"
        return hashlib.sha256(parts.encode()).hexdigest()


def configured_source() -> Source:
    """Return the source that the settings name."""
    return Source(
        Endpoint(
            settings.HOTWAX_URL,
            settings.HOTWAX_API,
            settings.HOTWAX_METHOD,
            settings.HOTWAX_TOKEN,
            settings.HOTWAX_TIMEOUT_SECONDS,
            settings.HOTWAX_USERNAME,
            settings.HOTWAX_PASSWORD,
        ),
        settings.HOTWAX_CORE,
        settings.HOTWAX_DOC_TYPE,
        Reading(ZoneInfo(settings.HOTWAX_TIME_ZONE), settings.SHOPIFY_STORES),
        order_core=settings.HOTWAX_ORDER_CORE,
        product_stores=settings.SHOP_PRODUCT_STORES,
    )


def interval() -> timedelta:
    """Return the time between two requests for what changed: HOTWAX_FRESH_SECONDS."""
    return timedelta(seconds=settings.HOTWAX_FRESH_SECONDS)


def import_link() -> str:
    """Link to HotWax's screen for importing Shopify orders again."""
    return import_screen(settings.HOTWAX_URL)
