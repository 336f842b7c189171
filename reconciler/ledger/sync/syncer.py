"""Asks HotWax, writes what came back, and notes how it went.

Everything that one reply brought is written in one transaction, together with where to go on. A
syncer may be killed at any point; the next one continues there.
"""

import random
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from reconciler.hotwax import requests
from reconciler.hotwax.client import Client
from reconciler.hotwax.documents import (
    FailureDocument,
    ForeignDocument,
    UnreadableDocument,
    read_document,
)
from reconciler.hotwax.exceptions import HotWaxError, RequestRefused, Unreachable
from reconciler.hotwax.replies import Reply
from reconciler.ledger.intake import BATCH, Intake, upsert
from reconciler.ledger.models import Attempt, SyncEvent, SyncState
from reconciler.ledger.models import UnreadableDocument as Unreadable
from reconciler.ledger.sync import lease
from reconciler.ledger.sync.schedule import LONGEST_BACK_OFF, current_state
from reconciler.ledger.sync.source import Source, configured_source

BACK_OFF_FIRST, BACK_OFF_LAST = 2.0, LONGEST_BACK_OFF.total_seconds()
EVENTS_KEPT = 200

#: The documents of a reply: those of our type, and those that could not be read.
Documents = list[FailureDocument | UnreadableDocument]
#: A way to ask for documents by name or id.
Form = Callable[[requests.Log, list[str]], requests.Payload]
#: Columns of SyncState to write with a page.
Changes = dict[str, Any]


class Syncer:
    """A holder of the lease that asks HotWax and writes the answers.

    ``timeout`` limits all requests of this syncer together, in seconds; without one each request
    has the endpoint's own, and is tried again where that can help.
    """

    def __init__(
        self,
        client: Client,
        owner: str,
        *,
        timeout: float | None = None,
        source: Source | None = None,
    ) -> None:
        self.client = client
        self.owner = owner
        self._end = None if timeout is None else time.monotonic() + timeout
        self.source = source or configured_source()
        patient = lease.length_for(self.source.endpoint.timeout)
        self.length = patient if timeout is None else lease.PAGE_LEASE
        #: Documents of the last step that the ledger did not have.
        self.new_documents = 0

    def state(self) -> SyncState:
        """Return the row of SyncState."""
        return current_state(self.source)

    def log(self, state: SyncState) -> requests.Log:
        """Return the log to ask, with the names under which its fields were seen."""
        documented = requests.Log()
        return requests.Log(
            self.source.core,
            self.source.doc_type,
            state.doc_type_field or documented.doc_type_field,
            state.timestamp_field or documented.timestamp,
            state.document_id_field or documented.document_id,
            state.order_name_field or documented.order_name,
        )

    def hold_lease(self) -> None:
        """Renew the lease; raise LeaseLost if another syncer took it."""
        lease.hold(self.owner, self.length)

    # ------------------------------------------------------------------------------- asking

    def ask(self, state: SyncState, payload: requests.Payload) -> Reply:
        """Ask HotWax. Raises HotWaxError."""
        if self._end is None:
            return self.client.ask_any(payload, state.method)
        if (left := self._end - time.monotonic()) <= 0:
            raise Unreachable("HotWax took too long for a page to wait.")
        methods = self.client.endpoint.methods
        known = state.method in methods
        method = state.method if known else methods[state.next_method % len(methods)]
        return self.client.ask(payload, method, timeout=left)

    def read(self, reply: Reply) -> Documents:
        """Return the documents of a reply, without those of another type."""
        doc_type, reading = self.source.doc_type, self.source.reading
        found = (read_document(raw, doc_type, reading) for raw in reply.documents)
        return [document for document in found if not isinstance(document, ForeignDocument)]

    def find(self, forms: Sequence[Form], wanted: list[str], control: str) -> Reply | None:
        """Ask for documents by name or id; return None if the control did not come back."""
        state = self.state()
        for form in forms:
            try:
                reply = self.ask(state, form(self.log(state), [*wanted, control]))
            except RequestRefused:
                continue
            documents = failures_in(self.read(reply))
            seen = {d.order_name for d in documents} | {d.document_key for d in documents}
            if len(reply.documents) >= reply.found and control in seen:
                return reply
        return None

    # ------------------------------------------------------------------------------ writing

    def set(self, **changes: Any) -> None:
        """Write columns of SyncState, while the lease is ours."""
        self.hold_lease()
        SyncState.objects.filter(pk=SyncState.ONLY).update(**changes)

    def rows_changed(self, count: int) -> None:
        """Raise the ledger's revision if rows changed that figures are counted from.

        To be called in the transaction that changed them, so that no figure outlives its rows.
        """
        if count:
            SyncState.raise_revision()

    def store(self, reply: Reply, documents: Documents, changes: Changes) -> Intake:
        """Write a page of documents; its last batch carries ``changes`` of SyncState with it."""
        batches = [documents[i : i + BATCH] for i in range(0, len(documents), BATCH)] or [[]]
        total = Intake()
        for number, batch in enumerate(batches, start=1):
            with transaction.atomic():
                self.hold_lease()
                result = upsert(batch, reply.asked_at, self.source.rules)
                total.new_documents += result.new_documents
                total.new_unreadable += result.new_unreadable
                self._note_answer(reply, result, changes if number == len(batches) else {})
        self.new_documents = total.new_documents + total.new_unreadable
        return total

    def _note_answer(self, reply: Reply, result: Intake, changes: Changes) -> None:
        since = SyncState.objects.values_list("failing_since", flat=True).get(pk=SyncState.ONLY)
        if since is not None:
            seconds = (timezone.now() - since).total_seconds()
            note(SyncEvent.Kind.RECOVERED, f"after {seconds:,.0f} s without an answer")
        new = result.new_documents + result.new_unreadable
        if new:
            changes = {"count_due": True, **changes}
        SyncState.objects.filter(pk=SyncState.ONLY).update(
            **{
                "method": reply.method,
                "answered_at": reply.asked_at,
                "clock_ahead_seconds": reply.clock_ahead_seconds,
                "failing_since": None,
                "failures": 0,
                "back_off_until": None,
                "kept": F("kept") + new,
                "unreadable": F("unreadable") + result.new_unreadable,
                "revision": F("revision") + int(result.changed),
                **changes,
            }
        )

    def note_failure(self, state: SyncState, error: HotWaxError) -> None:
        """Write down a failure, and until when HotWax is not asked again."""
        now = timezone.now()
        if state.failing_since is None or state.last_error != str(error)[:500]:
            note(SyncEvent.Kind.FAILED, f"{error} {error.remedy}")
        SyncState.objects.filter(pk=SyncState.ONLY).update(
            failing_since=state.failing_since or now,
            failures=F("failures") + 1,
            last_error=str(error)[:500],
            last_remedy=error.remedy,
            last_error_at=now,
            back_off_until=now + timedelta(seconds=back_off(state.failures, error)),
            **self._next_method(error),
        )

    def _next_method(self, error: HotWaxError) -> Changes:
        """Let the next page try another method after an answer that is no Solr reply."""
        if self._end is None or not error.not_solr or len(self.client.endpoint.methods) == 1:
            return {}
        return {"method": "", "next_method": F("next_method") + 1}


def back_off(failures: int, error: HotWaxError) -> float:
    """Return how many seconds to wait after one failure more than ``failures``."""
    seconds: float = min(BACK_OFF_LAST, BACK_OFF_FIRST * 2 ** min(failures, 10))
    # Jittered downwards, so that many processes do not come back at once.
    seconds = max(BACK_OFF_FIRST, seconds * random.uniform(0.75, 1.0))
    if error.retry_after is not None:
        seconds = max(seconds, min(error.retry_after, BACK_OFF_LAST))
    return seconds


def note(kind: SyncEvent.Kind, text: str) -> None:
    """Write an event for the status page, and drop the oldest ones."""
    row = SyncEvent.objects.create(at=timezone.now(), kind=kind, text=text[:600])
    SyncEvent.objects.filter(pk__lte=row.pk - EVENTS_KEPT).delete()


def failures_in(documents: Documents) -> list[FailureDocument]:
    """Return the documents that could be read."""
    return [document for document in documents if isinstance(document, FailureDocument)]


def key_of(document: FailureDocument | UnreadableDocument) -> str:
    """Return the document's key, of an unreadable one its hash."""
    return document.document_key if isinstance(document, FailureDocument) else document.sha256


def keys_of(documents: Documents) -> set[str]:
    """Return the distinct keys of documents."""
    return {key_of(document) for document in documents}


def documents_kept() -> int:
    """Count distinct documents not marked as left, unreadable ones included: `data-kept`."""
    here = Attempt.objects.filter(left_log_at=None).values("document_key").distinct().count()
    return here + Unreadable.objects.filter(left_log_at=None).count()
