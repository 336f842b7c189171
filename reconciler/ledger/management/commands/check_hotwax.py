"""`manage.py check_hotwax`: is the connection right? One screen, step by step."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reconciler.hotwax.client import Client
from reconciler.ledger.sync.connection_check import FAILURE, OK, WARNING, Check
from reconciler.ledger.sync.source import configured_source

SIGNS = {OK: "ok  ", WARNING: "note", FAILURE: "FAIL"}


class Command(BaseCommand):
    """Exit 0, or 1 after a failure. Never shows the secret."""

    help = "Check the connection to HotWax step by step; each failure with its remedy."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line per step."""
        source, failed = configured_source(), False
        with Client(source.endpoint) as client:
            for finding in Check(client, source).findings():
                sign = SIGNS[finding.result]
                self.stdout.write(f"{sign}  {finding.step:<16} {finding.text}")
                if finding.remedy:
                    self.stdout.write(f"{'':<22} → {finding.remedy}")
                failed |= finding.result == FAILURE
        if failed:
            raise CommandError("The connection does not work yet.")
