"""`manage.py check_hotwax`: is the connection right? One screen, step by step."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reconciler.hotwax.client import Client
from reconciler.ledger.sync import connection_check as check
from reconciler.ledger.sync import watcher as sync

SIGNS = {check.OK: "ok  ", check.WARNING: "note", check.FAILURE: "FAIL"}


class Command(BaseCommand):
    """Exit 0, or 1 after a failure. Never shows the secret."""

    help = "Check the connection to HotWax step by step; each failure with its remedy."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line per step."""
        source, failed = sync.source(), False
        with Client(source.endpoint) as client:
            for finding in check.Check(client, source).findings():
                sign = SIGNS[finding.result]
                self.stdout.write(f"{sign}  {finding.step:<16} {finding.text}")
                if finding.remedy:
                    self.stdout.write(f"{'':<22} → {finding.remedy}")
                failed |= finding.result == check.FAILURE
        if failed:
            raise CommandError("The connection does not work yet.")
