"""`manage.py verdicts`: ask the OMS order index for every order that is due, once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reconciler.hotwax.client import Client
from reconciler.hotwax.exceptions import HotWaxError
from reconciler.ledger.sync.order_index import OrderIndex, take_round
from reconciler.ledger.sync.schedule import current_state
from reconciler.ledger.sync.source import AnotherHotWax, configured_source


class Command(BaseCommand):
    """One round of what is due."""

    help = (
        "Ask the OMS order index, once, for every order that is due to be looked up. The watcher "
        "does the same all the time. Exit 1, with the reason, when the index gives no answer."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Take one round, without the watcher's limit of requests."""
        source = configured_source()
        try:
            current_state(source)
            with Client(source.endpoint) as client:
                asked, changed = take_round(OrderIndex(client, source))
        except AnotherHotWax as error:
            raise CommandError(str(error)) from None
        except HotWaxError as error:
            raise CommandError(f"{error} {error.remedy}") from None
        self.stdout.write(
            self.style.SUCCESS(f"{asked:,} order names asked for, {changed:,} orders changed.")
        )
