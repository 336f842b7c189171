"""`manage.py sync`: bring the ledger up to date with HotWax's log."""

import logging
import math
import signal
import time
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from reconciler.hotwax.client import Client, wait_until_listening
from reconciler.hotwax.exceptions import HotWaxError
from reconciler.ledger.models import SyncState
from reconciler.ledger.sync import lease, order_index, watcher
from reconciler.ledger.sync.schedule import current_state, due, is_backing_off
from reconciler.ledger.sync.source import AnotherHotWax, configured_source, interval
from reconciler.ledger.sync.syncer import Syncer

logger = logging.getLogger("reconciler.sync")

#: How long `manage.py sync` waits for another syncer to end.
WAIT_FOR_LEASE = timedelta(seconds=30)
TICK_SECONDS = 1.0
#: Seconds that the watcher waits until the demo listens.
WAIT_FOR_DEMO = 30.0


class Stop(BaseException):
    """SIGTERM or Ctrl-C. It ends a request under way: no `except Exception` catches it."""


def _stop(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise Stop


class Command(BaseCommand):
    """Once with a complete scan, or as a service with --watch."""

    help = (
        "Read HotWax's log into the ledger: once and completely (exit 0 when every document of "
        "that scan is kept, else 1 with the reason), or all the time with --watch."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add --watch."""
        parser.add_argument("--watch", action="store_true", help="stay and keep it up to date")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until done, or until SIGTERM or Ctrl-C, and give the lease back."""
        signal.signal(signal.SIGTERM, _stop)
        signal.signal(signal.SIGINT, _stop)
        self._order_index_asked = -math.inf
        owner = lease.new_owner("watcher" if options["watch"] else "sync")
        try:
            current_state()
            with Client(configured_source().endpoint) as client:
                syncer = Syncer(client, owner)
                if options["watch"]:
                    self._watch(syncer)
                else:
                    self._once(syncer)
        except Stop:
            if not options["watch"]:
                raise CommandError("Stopped before the scan was complete.") from None
        except AnotherHotWax as error:
            raise CommandError(str(error)) from None
        finally:
            lease.give_back(owner)

    # ------------------------------------------------------------------------------- once

    def _once(self, syncer: Syncer) -> None:
        self._wait_for_lease(syncer)
        self._shown = ""
        try:
            state = watcher.sync_once(syncer, self._report)
        except HotWaxError as error:
            raise CommandError(f"{error} {error.remedy}") from None
        except lease.LeaseLost as error:
            raise CommandError(str(error)) from None
        line = f"{state.kept:,} of {state.found or 0:,} log documents kept"
        if state.found and not state.scan_complete:
            raise CommandError(f"The scan is not complete: {line}. {state.mode_reason}".strip())
        self.stdout.write(self.style.SUCCESS(f"{line}, {state.unreadable:,} unreadable."))

    def _wait_for_lease(self, syncer: Syncer) -> None:
        """Take the lease. Waits for a syncer at work, and for the lease of a dead one to expire."""
        give_up, first = timezone.now() + WAIT_FOR_LEASE, current_state().lease_until
        told = False
        while not lease.take(syncer.owner, syncer.length):
            until = current_state().lease_until
            if until != first and timezone.now() > give_up:
                raise CommandError("Another syncer is at work and does not end; try again later.")
            if not told and until is not None:
                seconds = max(WAIT_FOR_LEASE, until - timezone.now()).total_seconds()
                self.stderr.write(f"Another syncer is at work; waiting up to {seconds:,.0f} s.")
                told = True
            time.sleep(TICK_SECONDS / 4)

    def _report(self, state: SyncState) -> None:
        line = f"{state.step or state.mode}: {state.kept:,} of {state.found or 0:,}"
        if line != self._shown:
            self._shown = line
            logger.info(line)

    # ------------------------------------------------------------------------------ watch

    def _watch(self, syncer: Syncer) -> None:
        if settings.DEMO:
            # The miniature starts beside us.
            wait_until_listening(syncer.source.endpoint.url, WAIT_FOR_DEMO)
        logger.info("Watching %s", syncer.source.instance)
        while True:
            try:
                self._cycle(syncer)
            except HotWaxError as error:
                logger.warning("%s %s", error, error.remedy)
            except lease.LeaseLost as error:
                logger.info("%s", error)
            except DatabaseError as error:
                logger.error("The database does not answer: %s", error)
                time.sleep(5 * TICK_SECONDS)
            close_old_connections()
            time.sleep(min(TICK_SECONDS, interval().total_seconds()))

    def _cycle(self, syncer: Syncer) -> None:
        state, now = current_state(), timezone.now()
        if state.heartbeat_at is None or now - state.heartbeat_at >= interval() / 2:
            watcher.beat()
        if is_backing_off(state, now):
            return
        if due(state, now) is None:
            self._ask_order_index(syncer)
            return
        if not lease.take(syncer.owner, syncer.length):
            return
        try:
            # Between steps others may have their turn after one interval of ours.
            end = time.monotonic() + max(5.0, interval().total_seconds())
            watcher.watch_cycle(syncer, lambda: time.monotonic() < end)
        finally:
            lease.give_back(syncer.owner)

    def _ask_order_index(self, syncer: Syncer) -> None:
        """Ask what arrived, once an interval. Catching up goes first, and this needs no lease."""
        began, seconds = time.monotonic(), interval().total_seconds()
        if began - self._order_index_asked >= seconds:
            self._order_index_asked = began
            order_index.watch(
                syncer.client, syncer.source, lambda: time.monotonic() < began + seconds / 2
            )
