"""`manage.py demo`: HotWax in miniature, on DEMO_PORT."""

import contextlib
import signal
import threading
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from reconciler.demo.data import History
from reconciler.demo.server import Demo


class Command(BaseCommand):
    """Serve until stopped."""

    help = "Run HotWax in miniature: invented orders of four shops, new failures while you watch."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what makes a run repeatable."""
        parser.add_argument("--port", type=int, default=settings.DEMO_PORT)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--orders", type=int, default=3000)
        parser.add_argument("--token", default="", help="answer only requests that carry it")
        parser.add_argument("--user", default="", help="NAME:PASSWORD that must log in first")

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until SIGTERM or Ctrl-C."""
        history = History(_anchor(), options["seed"], options["orders"])
        try:
            name, _, password = options["user"].partition(":")
            user = (name, password) if name else None
            server = Demo(history, options["port"], token=options["token"], user=user)
        except OSError:
            raise CommandError(
                f"Port {options['port']} is in use; choose another with DEMO_PORT."
            ) from None
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.stdout.write(f"HotWax in miniature answers at {server.url}")
        stop.wait()
        server.shutdown()


def _anchor() -> datetime:
    """When this demo was first started: a restart goes on with the same orders."""
    path = settings.VAR / "demo-start"
    with contextlib.suppress(OSError, ValueError):
        return datetime.fromisoformat(path.read_text().strip())
    now = datetime.now(UTC).replace(microsecond=0)
    path.parent.mkdir(exist_ok=True)
    path.write_text(now.isoformat())
    return now
