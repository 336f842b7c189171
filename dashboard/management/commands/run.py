"""`manage.py run`: web, watcher and, without HOTWAX_URL, the demo; what `make run` starts."""

import os
import socket
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """Start the Procfile with honcho, in place of this process."""

    help = "Run web and watcher, and the demo if HOTWAX_URL is unset. Ctrl-C ends all."

    def handle(self, *args: Any, **options: Any) -> None:
        """Check the ports first, so that a busy one is named in one line."""
        processes = ["web", "sync"]
        _require_free(settings.PORT, "PORT")
        if settings.DEMO:
            processes.append("demo")
            _require_free(settings.DEMO_PORT, "DEMO_PORT")
        self.stdout.write(f"Reconciler: http://127.0.0.1:{settings.PORT}", ending="\n")
        self.stdout.flush()
        honcho = str(Path(sys.executable).with_name("honcho"))
        os.chdir(settings.BASE_DIR)
        os.execv(honcho, [honcho, "start", "-p", str(settings.PORT), *processes])  # noqa: S606


def _require_free(port: int, name: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise CommandError(f"Port {port} is in use; choose another with {name}.") from None
