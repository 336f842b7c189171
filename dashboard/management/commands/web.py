"""`manage.py web`: the web server; what the Procfile starts."""

import logging
import os
import signal
import sys
import time
from typing import Any

from django.conf import settings
from django.core.cache import cache, caches
from django.core.management.base import BaseCommand, CommandError
from django.core.wsgi import get_wsgi_application

from dashboard.server import listen, server_on, settle
from reconciler.cache import FileCache

logger = logging.getLogger(__name__)

#: Seconds after which a process that ended unasked is started again.
AGAIN_AFTER = 1


def _stop(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit()


class Command(BaseCommand):
    """Serve on loopback, until SIGTERM or Ctrl-C; pages under way are finished first."""

    help = "Serve the dashboard on 127.0.0.1, port PORT, by WEB_PROCESSES processes."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Listen on PORT, and let each process take what it can."""
        try:
            listener = listen(settings.PORT)
        except OSError as error:
            raise CommandError(f"Port {settings.PORT}: {error.strerror}.") from None
        if isinstance(caches["default"], FileCache):
            cache.clear()  # it outlives the program, and may hold what an older one drew
        signal.signal(signal.SIGTERM, _stop)
        signal.signal(signal.SIGINT, _stop)
        application, parent = get_wsgi_application(), os.getpid()
        settle()

        def serve() -> None:
            server_on(listener, application, parent=parent).run()

        if settings.WEB_PROCESSES == 1:
            server_on(listener, application).run()
        else:
            _keep_running(serve, settings.WEB_PROCESSES)


def _keep_running(serve: Any, count: int) -> None:
    """Run so many processes; one that ends is replaced. Ends them on SystemExit."""
    running: set[int] = set()
    try:
        while True:
            while len(running) < count:
                running.add(_started(serve))
            ended, status = os.wait()
            running.discard(ended)
            code = os.waitstatus_to_exitcode(status)
            logger.warning("Process %s ended with code %s; another is started", ended, code)
            time.sleep(AGAIN_AFTER)
    finally:
        for pid in running:
            os.kill(pid, signal.SIGTERM)
        for pid in running:
            os.waitpid(pid, 0)


def _started(serve: Any) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        serve()
    finally:
        os._exit(0)  # not into the parent's own clean-up
