"""What the tests of faults do and expect."""

from datetime import timedelta
from pathlib import Path

from django.test import Client as Browser

from reconciler.hotwax.client import Client
from reconciler.ledger.models import Attempt, FailedOrder, SyncState, UnreadableDocument
from reconciler.ledger.sync import lease
from reconciler.ledger.sync.schedule import current_state
from reconciler.ledger.sync.source import configured_source
from reconciler.ledger.sync.syncer import Syncer, documents_kept
from reconciler.ledger.sync.watcher import sync_once
from tests.clock import NOW
from tests.faults.server import FaultyHotWax
from tests.makers import document

ROOT = Path(__file__).resolve().parents[2]


def run_sync() -> None:
    owner = lease.new_owner("test")
    current_state()
    assert lease.take(owner, lease.LEASE)
    try:
        with Client(configured_source().endpoint) as client:
            sync_once(Syncer(client, owner), lambda state: None)
    finally:
        lease.give_back(owner)


def more(hotwax: FaultyHotWax, count: int = 5) -> None:
    """New failures arrive."""
    start = len(hotwax.documents)
    hotwax.documents += [
        document(f"#{i}", document_id=f"d{i}", logged=NOW - timedelta(seconds=i))
        for i in range(start, start + count)
    ]


def look(browser: Browser, word: str = "") -> str:
    """Open the list as a person does, with nobody else asking, until it says the word.

    A page waits 0.8 s, and on a busy machine the answer may come later than that.
    """
    for _ in range(3):
        SyncState.objects.update(
            asked_at=None, back_off_until=None, heartbeat_at=None, caught_up_at=None
        )
        response = browser.get("/orders/?view=all&per_page=200")
        assert response.status_code == 200
        html = " ".join(response.content.decode().split())
        if word in html:
            break
    return html


def equal(hotwax: FaultyHotWax) -> None:
    """Nothing lost, nothing doubled."""
    attempts = list(Attempt.objects.filter(left_log_at=None).values_list("document_key", flat=True))
    assert sorted(attempts) == sorted({d["document-id"] for d in hotwax.documents})
    names = list(FailedOrder.objects.values_list("order_name", flat=True))
    assert sorted(names) == sorted({d["shopifyOrderName"] for d in hotwax.documents})
    state = current_state()
    assert state.kept == documents_kept() == len(attempts)
    assert not UnreadableDocument.objects.exists()
