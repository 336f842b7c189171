"""The numbers of orders in Shopify get a column of their own, by which orders are looked up."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Value
from django.db.models.fields.json import KT
from django.db.models.functions import NullIf


def fill(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Fill it by the OMS orders that prove a verdict."""
    orders = apps.get_model("ledger", "FailedOrder").objects
    # One OMS order proves that an order was imported.
    first = NullIf(KT("oms_orders__0__shopify_id"), Value(""))
    orders.filter(verdict="imported").update(shopify_id=first)
    twice = orders.filter(verdict="duplicate").only("oms_orders")
    for order in twice.iterator():
        found = {oms["shopify_id"] for oms in order.oms_orders}
        order.shopify_id = (found.pop() or None) if len(found) == 1 else None
        order.save(update_fields=["shopify_id"])


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0016_masked_values"),
    ]

    operations = [
        migrations.AddField(
            model_name="failedorder",
            name="shopify_id",
            field=models.CharField(blank=True, max_length=20, null=True),
        ),
        migrations.AddIndex(
            model_name="failedorder",
            index=models.Index(
                condition=models.Q(shopify_id__isnull=False),
                fields=["shopify_id"],
                name="orders_by_shopify_id",
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
