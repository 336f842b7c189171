"""The ledger as a Django app."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class LedgerConfig(AppConfig):
    """What HotWax told us, kept."""

    name = "reconciler.ledger"
    label = "ledger"
    verbose_name = "Ledger"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """After migrating let the database count: per day, and what its new indexes hold."""
        pre_migrate.connect(_remove_triggers, sender=self)
        post_migrate.connect(_count_anew, sender=self)


def _remove_triggers(plan: list[Any], **_: Any) -> None:
    from reconciler.ledger.figures import daily_counts  # noqa: PLC0415 - apps must be ready

    if plan:
        daily_counts.uninstall()


def _count_anew(**_: Any) -> None:
    # Apps must be ready.
    from reconciler.ledger.database import refresh_statistics  # noqa: PLC0415
    from reconciler.ledger.figures import daily_counts  # noqa: PLC0415

    daily_counts.install()
    refresh_statistics()
