"""One syncer at a time: a lease in SyncState, safe across processes on any database.

Taken, renewed and given back by conditional updates. Whoever lost it stops writing.
"""

import os
import threading
import uuid
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from reconciler.ledger.models import SyncState

#: A syncer that died gives way after this; longer than any single request with its tries.
LEASE = timedelta(seconds=90)
PAGE_LEASE = timedelta(seconds=10)


class LeaseLost(Exception):
    """Another syncer is at work; nothing was written."""


def new_owner(kind: str) -> str:
    """Name a holder: what it is, and where."""
    return f"{kind} {os.getpid()}.{threading.get_ident()} {uuid.uuid4().hex[:8]}"


def take(owner: str, length: timedelta, **conditions: object) -> bool:
    """Take the lease if it is free, ours, or run out. True if it is ours now."""
    now = timezone.now()
    free = Q(lease_owner__in=("", owner)) | Q(lease_until=None) | Q(lease_until__lte=now)
    rows = SyncState.objects.filter(free, pk=SyncState.ONLY, **conditions)
    return bool(rows.update(lease_owner=owner, lease_until=now + length))


def hold(owner: str, length: timedelta) -> None:
    """Renew the lease. Raises LeaseLost if it is not ours any more.

    Inside a transaction this also keeps others out until its end.
    """
    now = timezone.now()
    rows = SyncState.objects.filter(pk=SyncState.ONLY, lease_owner=owner, lease_until__gt=now)
    if not rows.update(lease_until=now + length):
        raise LeaseLost("Another syncer took over; this one stops.")


def give_back(owner: str) -> None:
    """End the lease if it is ours."""
    rows = SyncState.objects.filter(pk=SyncState.ONLY, lease_owner=owner)
    rows.update(lease_owner="", lease_until=None)
