"""`manage.py web`: the web server; what the Procfile starts."""

import signal
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.core.wsgi import get_wsgi_application

from dashboard.server import server_for


def _stop(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit()


class Command(BaseCommand):
    """Serve on loopback, until SIGTERM or Ctrl-C; pages under way are finished first."""

    help = "Serve the dashboard on 127.0.0.1, port PORT."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Listen on PORT."""
        try:
            server = server_for(get_wsgi_application(), settings.PORT)
        except OSError as error:
            raise CommandError(f"Port {settings.PORT}: {error.strerror}.") from None
        signal.signal(signal.SIGTERM, _stop)
        signal.signal(signal.SIGINT, _stop)
        server.run()
