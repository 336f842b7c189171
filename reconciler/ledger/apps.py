"""The ledger as a Django app."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class LedgerConfig(AppConfig):
    """What HotWax told us, kept."""

    name = "reconciler.ledger"
    label = "ledger"
    verbose_name = "Ledger"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """After migrating let the database look at its new indexes."""
        post_migrate.connect(_refresh_statistics, sender=self)


def _refresh_statistics(**_: Any) -> None:
    from reconciler.ledger.database import refresh_statistics  # noqa: PLC0415 - apps must be ready

    refresh_statistics()
