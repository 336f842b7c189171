"""One syncer at a time: a lease in SyncState, safe across processes on any database.

Taken, renewed and given back by conditional updates. Whoever lost it stops writing.
"""

import os
import threading
import uuid
from contextlib import suppress
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from reconciler.ledger.database import UNAVAILABLE
from reconciler.ledger.models import SyncState

#: A syncer that died gives way after this, or later where a request may take longer.
LEASE = timedelta(seconds=90)
PAGE_LEASE = timedelta(seconds=10)


def length_for(timeout: float) -> timedelta:
    """Return a lease longer than one step whose replies take ``timeout`` seconds each."""
    return max(LEASE, timedelta(seconds=6 * timeout + 30))


class LeaseLost(Exception):
    """Another syncer is at work; nothing was written."""


def new_owner(kind: str) -> str:
    """Return a unique name for a holder of the lease; ``kind`` says what it is."""
    return f"{kind} {os.getpid()}.{threading.get_ident()} {uuid.uuid4().hex[:8]}"


def take(owner: str, length: timedelta, **conditions: object) -> bool:
    """Take the lease if it is free, ours, or expired; return True if it is ours now."""
    now = timezone.now()
    # A lease that ends later than any was taken for was written while a clock was ahead.
    longest = max(LEASE, length, length_for(settings.HOTWAX_TIMEOUT_SECONDS)) + timedelta(minutes=1)
    free = (
        Q(lease_owner__in=("", owner))
        | Q(lease_until=None)
        | Q(lease_until__lte=now)
        | Q(lease_until__gt=now + longest)
    )
    rows = SyncState.objects.filter(free, pk=SyncState.ONLY, **conditions)
    with transaction.atomic():  # so that a failure leaves the caller's transaction usable
        return bool(rows.update(lease_owner=owner, lease_until=now + length))


def hold(owner: str, length: timedelta) -> None:
    """Renew the lease; succeeds after its expiry if nobody took it over. Raises LeaseLost.

    Inside a transaction this also keeps others out until its end.
    """
    rows = SyncState.objects.filter(pk=SyncState.ONLY, lease_owner=owner)
    if not rows.update(lease_until=timezone.now() + length):
        raise LeaseLost("Another syncer took over; this one stops.")


def give_back(owner: str) -> None:
    """End the lease if it is ours."""
    rows = SyncState.objects.filter(pk=SyncState.ONLY, lease_owner=owner)
    rows.update(lease_owner="", lease_until=None)


def give_back_if_possible(owner: str) -> None:
    """End the lease; if the database does not answer it ends by itself, at ``lease_until``."""
    with suppress(*UNAVAILABLE), transaction.atomic():
        give_back(owner)
