"""The numbers of orders in Shopify, as the OMS orders that prove a verdict say them."""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from reconciler.ledger.models import FailedOrder
from tests.ledger.cores import CREATED, failed, order
from tests.makers import oms_order

pytestmark = pytest.mark.django_db


def test_an_order_has_a_number_in_shopify_while_the_oms_says_which(cores: Any) -> None:
    both = cores(failed("#1"), failed("#2"), failed("#3"))
    both.orders += oms_order("#1", CREATED, order_id="M7", shopify_id="6123456789012")
    both.orders += oms_order("#2", CREATED, order_id="M8", shopify_id="6123456789013")
    both.orders += oms_order("#2", CREATED, order_id="M9", shopify_id="6123456789014")
    both.round()
    assert [order(name).shopify_id for name in ("#1", "#2", "#3")] == ["6123456789012", None, None]
    # The same by the migration that gave the column to orders asked about before.
    FailedOrder.objects.filter(order_name="#1").update(shopify_id=None)
    FailedOrder.objects.exclude(order_name="#1").update(shopify_id="1")
    FailedOrder.objects.filter(verdict="missing").update(shopify_id=None)
    import_module("reconciler.ledger.migrations.0017_shopify_ids").fill(apps, connection)
    assert [order(name).shopify_id for name in ("#1", "#2", "#3")] == ["6123456789012", None, None]
    # It is not in the OMS any more.
    both.orders[:] = [oms for oms in both.orders if oms["orderId"] != "M7"]
    FailedOrder.objects.update(verdict_at=None, asks_first=True)
    both.round()
    assert order("#1").verdict == "missing" and order("#1").shopify_id is None
