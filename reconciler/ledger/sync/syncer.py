"""The steps of a sync, one request each (LEDGER.md §3).

Each step writes what came back in one transaction together with where to go on, and may be the
last: killed at any point, the next syncer continues there.

    first ─ inside ─ outside ─┬─ range mode:      catch up, backfill, sweep, count
                              └─ compatible mode: page after page, as documented
"""

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import F, Max
from django.utils import timezone

from reconciler.hotwax import requests
from reconciler.hotwax.client import Client
from reconciler.hotwax.documents import (
    FIELD_OF_NAME,
    FailureDocument,
    ForeignDocument,
    UnreadableDocument,
    read_document,
)
from reconciler.hotwax.exceptions import (
    HotWaxError,
    IncompleteReply,
    MalformedReply,
    RequestRefused,
    Unreachable,
)
from reconciler.hotwax.ranges import SECOND, fault_of_page, newest, whole_second
from reconciler.hotwax.replies import Reply
from reconciler.ledger.derive import derive_again
from reconciler.ledger.intake import BATCH, Intake, roll_up, take_in
from reconciler.ledger.models import Attempt, SyncEvent, SyncState
from reconciler.ledger.models import UnreadableDocument as Unreadable
from reconciler.ledger.sync import lease
from reconciler.ledger.sync.schedule import current_state, older, scan_pause, source

logger = logging.getLogger(__name__)

SCAN_TRIES = 3
BACK_OFF_FIRST, BACK_OFF_LAST = 2.0, 60.0
NAMES_A_REQUEST = 100
EVENTS_KEPT = 200

#: What came back, read: documents of our type, and those that could not be read.
Readings = list[FailureDocument | UnreadableDocument]
#: A way to ask for documents by name or id.
Form = Callable[[requests.Log, list[str]], requests.Payload]
#: Columns of SyncState to write with a page.
Changes = dict[str, Any]


class Syncer:
    """Takes steps while it holds the lease. ``timeout``: seconds for all that it asks."""

    def __init__(self, client: Client, owner: str, *, timeout: float | None = None) -> None:
        self.client = client
        self.owner = owner
        self._end = None if timeout is None else time.monotonic() + timeout
        self.source = source()
        patient = lease.length_for(self.source.endpoint.timeout)
        self.length = patient if timeout is None else lease.PAGE_LEASE
        #: New documents of the last step, for whoever asked.
        self.new_documents = 0

    def take_step(self, step: str, *, heartbeat: bool = False) -> None:
        """Take one step. Raises HotWaxError, after noting it, or LeaseLost."""
        state = current_state()
        lease.hold(self.owner, self.length)
        now = timezone.now()
        beat = {"heartbeat_at": now} if heartbeat else {}
        SyncState.objects.filter(pk=SyncState.ONLY).update(
            asked_at=now, last_step=step, instance=self.source.instance, **beat
        )
        steps: dict[str, Callable[[SyncState], None]] = {
            "derive": self._derive,
            "first": self._first,
            "names": self._field_names,
            "inside": self._inside,
            "outside": self._outside,
            "dated": self._dated,
            "undated": self._undated,
            "catch_up": self._catch_up,
            "count": self._count,
            "sweep": self._sweep,
            "page": self._page,
        }
        try:
            steps[step](state)
        except RequestRefused as error:
            if error.not_solr or step == "names":
                self._note_failure(state, error)
                raise
            if step == "first" and not state.probe_try:
                self._set(probe_try=1)  # without a sort, then
                return
            if step in ("first", "count", "page"):
                # Perhaps docType goes by another name: learn the names before giving up.
                self._set(step=SyncState.Step.NAMES, mode=SyncState.Mode.UNDECIDED)
                return
            self._turn_compatible(f"HotWax refuses to search by time: {error}")
        except HotWaxError as error:
            self._note_failure(state, error)
            raise
        except (lease.LeaseLost, DatabaseError):
            raise
        except Exception as error:
            # No answer of HotWax's, however odd, may end the watcher or a page.
            logger.exception("Step %s", step)
            odd = MalformedReply(
                f"An answer of HotWax's could not be worked on ({type(error).__name__})."
            )
            self._note_failure(state, odd)
            raise odd from error

    # ------------------------------------------------------------------- asking and writing

    def _ask(self, state: SyncState, payload: requests.Payload) -> Reply:
        if self._end is None:
            return self.client.ask_any(payload, state.method)
        if (left := self._end - time.monotonic()) <= 0:
            raise Unreachable("HotWax took too long for a page to wait.")
        methods = self.client.endpoint.methods
        known = state.method in methods
        method = state.method if known else methods[state.next_method % len(methods)]
        return self.client.ask(payload, method, timeout=left)

    def read(self, reply: Reply) -> Readings:
        """Read what came back; documents of another type are left out."""
        doc_type, reading = self.source.doc_type, self.source.reading
        found = (read_document(raw, doc_type, reading) for raw in reply.documents)
        return [document for document in found if not isinstance(document, ForeignDocument)]

    def _write(self, reply: Reply, documents: Readings, changes: Changes) -> Intake:
        """Keep a page and where to go on; the last batch carries the state with it."""
        batches = [documents[i : i + BATCH] for i in range(0, len(documents), BATCH)] or [[]]
        total = Intake()
        for number, batch in enumerate(batches, start=1):
            with transaction.atomic():
                lease.hold(self.owner, self.length)
                result = take_in(batch, reply.asked_at)
                total.new_documents += result.new_documents
                total.new_unreadable += result.new_unreadable
                self._note_answer(reply, result, changes if number == len(batches) else {})
        self.new_documents = total.new_documents + total.new_unreadable
        return total

    def _note_answer(self, reply: Reply, result: Intake, changes: Changes) -> None:
        since = SyncState.objects.values_list("failing_since", flat=True).get(pk=SyncState.ONLY)
        if since is not None:
            seconds = (timezone.now() - since).total_seconds()
            _note(SyncEvent.Kind.RECOVERED, f"after {seconds:,.0f} s without an answer")
        new = result.new_documents + result.new_unreadable
        if new:
            changes = {"count_due": True, **changes}
        SyncState.objects.filter(pk=SyncState.ONLY).update(
            **{
                "method": reply.method,
                "answered_at": reply.asked_at,
                "failing_since": None,
                "failures": 0,
                "back_off_until": None,
                "kept": F("kept") + new,
                "unreadable": F("unreadable") + result.new_unreadable,
                "revision": F("revision") + int(result.changed),
                **changes,
            }
        )

    def _note_failure(self, state: SyncState, error: HotWaxError) -> None:
        now = timezone.now()
        if state.failing_since is None or state.last_error != str(error)[:500]:
            _note(SyncEvent.Kind.FAILED, f"{error} {error.remedy}")
        seconds = min(BACK_OFF_LAST, BACK_OFF_FIRST * 2 ** min(state.failures, 10))
        # Jittered downwards, so that many processes do not come back at once.
        seconds = max(BACK_OFF_FIRST, seconds * random.uniform(0.75, 1.0))
        if error.retry_after is not None:
            seconds = max(seconds, min(error.retry_after, BACK_OFF_LAST))
        SyncState.objects.filter(pk=SyncState.ONLY).update(
            failing_since=state.failing_since or now,
            failures=F("failures") + 1,
            last_error=str(error)[:500],
            last_remedy=error.remedy,
            last_error_at=now,
            back_off_until=now + timedelta(seconds=seconds),
            **self._next_method(error),
        )

    def _next_method(self, error: HotWaxError) -> Changes:
        """Let the next page try another method after an answer that is no Solr reply."""
        if self._end is None or not error.not_solr or len(self.client.endpoint.methods) == 1:
            return {}
        return {"method": "", "next_method": F("next_method") + 1}

    def _log(self, state: SyncState) -> requests.Log:
        standard = requests.Log()
        return requests.Log(
            self.source.core,
            self.source.doc_type,
            state.doc_type_field or standard.doc_type_field,
            state.timestamp_field or standard.timestamp,
            state.document_id_field or standard.document_id,
            state.order_name_field or standard.order_name,
        )

    def _set(self, **changes: Any) -> None:
        lease.hold(self.owner, self.length)
        SyncState.objects.filter(pk=SyncState.ONLY).update(**changes)

    def _turn_compatible(self, reason: str) -> None:
        logger.warning("Compatible mode: %s", reason)
        _note(SyncEvent.Kind.MODE, f"compatible: {reason}")
        self._set(
            **{
                **_scan_over(),
                "mode": SyncState.Mode.COMPATIBLE,
                "mode_reason": reason[:300],
                "mode_decided_at": timezone.now(),
                "step": SyncState.Step.DONE,
                "catch_up_from": None,
                "sweep_due": False,
                "scan_ended_at": None,
            }
        )

    def find(self, forms: Sequence[Form], wanted: list[str], control: str) -> Reply | None:
        """Ask for documents by name or id; None if the control did not come back whole."""
        state = current_state()
        for form in forms:
            try:
                reply = self._ask(state, form(self._log(state), [*wanted, control]))
            except RequestRefused:
                continue
            documents = _failures(self.read(reply))
            seen = {d.order_name for d in documents} | {d.document_key for d in documents}
            if len(reply.documents) >= reply.found and control in seen:
                return reply
        return None

    def keep(self, reply: Reply) -> None:
        """Keep what a look-up brought. The lease must be held."""
        self._write(reply, self.read(reply), {})

    def _derive(self, state: SyncState) -> None:
        """Read every kept document again, after a setting or our rules for reading changed."""
        with transaction.atomic():
            lease.hold(self.owner, self.length)
            reading, doc_type = self.source.reading, self.source.doc_type
            last = derive_again(state.derive_cursor, doc_type, reading)
            changes: Changes = {"derive_cursor": last, "revision": F("revision") + 1}
            if not last:
                _note(SyncEvent.Kind.DERIVED, "every document, after a setting or a rule changed")
                changes |= {
                    "derived_by": self.source.derivation,
                    "kept": count_kept(),
                    "unreadable": Unreadable.objects.filter(left_log_at=None).count(),
                }
            SyncState.objects.filter(pk=SyncState.ONLY).update(**changes)

    # ------------------------------------------------------------------- deciding the mode

    def _first(self, state: SyncState) -> None:
        """Ask the documented request: documents, their number, the names of their fields."""
        first = requests.documented_page if state.probe_try else requests.latest
        reply = self._ask(state, first(self._log(state)))
        documents = self.read(reply)
        latest = newest(_failures(documents))
        whole = len(_keys(documents)) == reply.found
        changes: Changes = {
            "found": reply.found,
            "found_at": reply.asked_at,
            "count_due": False,
            **_names(reply.documents),
        }
        if whole:
            changes["loaded_at"] = state.loaded_at or reply.asked_at
        if latest:
            changes |= {"step": SyncState.Step.INSIDE, "probe_at": latest.logged_at}
        self._write(reply, documents, changes)
        if reply.documents and not latest:
            self._turn_compatible("no document carries a timestamp")

    def _field_names(self, state: SyncState) -> None:
        """Learn from documents of any type under which names fields go; then begin anew."""
        reply = self._ask(state, requests.anything(self._log(state)))
        names = _names(reply.documents)
        if not reply.documents or names.get("doc_type_field", "") == state.doc_type_field:
            self._set(step=SyncState.Step.FIRST)
            raise RequestRefused(
                f"HotWax's core {self.source.core} does not know the field docType."
                if reply.documents
                else f"HotWax refuses to search its core {self.source.core}, which is empty."
            )
        self._write(reply, [], {"step": SyncState.Step.FIRST, "answered_at": None, **names})

    def _inside(self, state: SyncState) -> None:
        """Ask whether a range finds what is in it: the second of a document just seen."""
        assert state.probe_at
        since = whole_second(state.probe_at)
        before = since + SECOND
        reply = self._ask(state, requests.span(self._log(state), since, before))
        documents = self.read(reply)
        if fault := fault_of_page(_failures(documents), since, before):
            self._turn_compatible(fault)
        elif documents:
            self._write(reply, documents, {"step": SyncState.Step.OUTSIDE})
        elif state.probe_try < 2:  # it may have been indexed anew meanwhile: take another
            again = {"step": SyncState.Step.FIRST, "answered_at": None}
            self._write(reply, [], {"probe_try": state.probe_try + 1, **again})
        else:
            self._turn_compatible("the server finds nothing in a range that holds a document")

    def _outside(self, state: SyncState) -> None:
        """Ask whether a range leaves out what is not in it: what is newer than the newest."""
        assert state.probe_at
        since = whole_second(state.probe_at) + SECOND
        reply = self._ask(state, requests.span(self._log(state), since, None))
        documents = self.read(reply)
        if fault := fault_of_page(_failures(documents), since, None):
            self._turn_compatible(fault)
            return
        done = state.loaded_at is not None
        changes: Changes = {
            "mode": SyncState.Mode.RANGE,
            "mode_reason": "",
            "mode_decided_at": reply.asked_at,
            "probe_try": 0,
            "step": SyncState.Step.DONE if done else SyncState.Step.DATED,
            "watermark": min(state.probe_at, reply.asked_at),
            "watermark_key": "",
            "backfill_cursor": None,
            "backfill_offset": 0,
            "caught_up_at": None,
            **_scan_over(),
        }
        if done:
            changes["scan_ended_at"] = reply.asked_at
        self._write(reply, documents, changes)
        _note(SyncEvent.Kind.MODE, "range and sort on the timestamp work")

    # ------------------------------------------------------------------- range mode

    def _span_page(
        self,
        state: SyncState,
        since: datetime | None,
        before: datetime | None,
        *,
        newest_first: bool = False,
        ids_only: bool = False,
    ) -> "_Page | None":
        """Read one page of a span; None after turning to compatible mode.

        A page that does not get past one second is read again as a whole block.
        """
        log = self._log(state)
        payload = requests.span(log, since, before, newest_first=newest_first, ids_only=ids_only)
        reply = self._ask(state, payload)
        page = _Page(reply, self.read(reply))
        if fault := page.fault(since, before, newest_first=newest_first):
            self._turn_compatible(fault)
            return None
        if page.is_last:
            return page
        if not page.last_second:
            raise IncompleteReply("HotWax found documents and sent none of them.")
        second = page.last_second
        # The second in which the page ends may be cut: the next page reads it again.
        page.go_on = second + SECOND if newest_first else second
        if page.go_on == (before if newest_first else since):
            page = self._block(state, second, ids_only=ids_only)
            page.go_on = second if newest_first else second + SECOND
        return page

    def _block(self, state: SyncState, second: datetime, *, ids_only: bool) -> "_Page":
        payload = requests.span(
            self._log(state),
            second,
            second + SECOND,
            rows=requests.BLOCK_ROWS,
            ids_only=ids_only,
        )
        page = self._page_of(self._ask(state, payload))
        if len(_keys(page.documents)) >= page.reply.found:
            return page
        return self._long_block(state, second)

    def _long_block(self, state: SyncState, second: datetime) -> "_Page":
        """Read a block longer than any reply in parts; complete when every id was seen.

        Paging by offset loses documents that are indexed anew meanwhile, so it is repeated.
        """
        documents: Readings = []
        for _ in range(SCAN_TRIES):
            offset, found = 0, None
            while found is None or offset < found:
                payload = requests.block(self._log(state), second, second + SECOND, offset=offset)
                reply = self._ask(state, payload)
                documents += self.read(reply)
                offset += len(reply.documents)
                found = reply.found
                if not reply.documents:
                    break
            if len(_keys(documents)) >= found:
                return _Page(reply, documents)
        raise IncompleteReply(
            f"HotWax holds {found} documents of {second:%Y-%m-%d %H:%M:%S} UTC and sent "
            f"{len(_keys(documents))}."
        )

    def _page_of(self, reply: Reply) -> "_Page":
        return _Page(reply, self.read(reply))

    def _dated(self, state: SyncState) -> None:
        page = self._span_page(state, None, state.backfill_cursor, newest_first=True)
        if page is None:
            return
        changes: Changes = {"backfill_cursor": page.go_on}
        if page.is_finished:
            changes["step"] = SyncState.Step.UNDATED
        self._write(page.reply, page.documents, changes)

    def _undated(self, state: SyncState) -> None:
        offset = state.backfill_offset
        documents: Readings = []
        try:
            payload = requests.undated(self._log(state), offset=offset)
            reply = self._ask(state, payload)
            documents = self.read(reply)
            read = len(reply.documents)
            done = offset + read >= reply.found or not read
        except RequestRefused:
            # Not to be had by a filter; a difference between found and kept would show it.
            reply = self._ask(state, requests.count(self._log(state)))
            read, done = 0, True
        changes: Changes = {"backfill_offset": offset + read}
        if done:
            changes |= {
                "step": SyncState.Step.DONE,
                "loaded_at": state.loaded_at or timezone.now(),
                "scan_ended_at": timezone.now(),
                "count_due": True,
            }
        self._write(reply, documents, changes)

    def _catch_up(self, state: SyncState) -> None:
        assert state.watermark
        overlap = timedelta(seconds=state.overlap_seconds)
        since = state.catch_up_from or whole_second(state.watermark - overlap)
        page = self._span_page(state, since, None)
        if page is None:
            return
        changes: Changes = {"catch_up_from": page.go_on}
        if page.is_finished:
            # When it was read, not when it was asked: else a slow HotWax is only ever caught up
            # with, and nothing else has its turn.
            changes["caught_up_at"] = timezone.now()
        if (latest := newest(_failures(page.documents))) and latest.logged_at:
            # One document dated 2099 must not stop the feed.
            mark = min(latest.logged_at, page.reply.asked_at)
            if mark >= state.watermark:
                ours = mark == latest.logged_at
                key = latest.document_key if ours else ""
                changes |= {"watermark": mark, "watermark_key": key}
        whole = page.is_finished and state.catch_up_from is None
        if whole and state.watermark_key and state.watermark_key not in _keys(page.documents):
            # One sweep looks what became of it; the next catch-up finds another to hold on to.
            changes |= {"sweep_due": True, "watermark_key": ""}
        self._write(page.reply, page.documents, changes)

    def _count(self, state: SyncState) -> None:
        reply = self._ask(state, requests.count(self._log(state)))
        kept = state.kept - _past_expiry(reply.asked_at)
        differs = 0 if reply.found == kept else state.differs_times + 1
        changes: Changes = {
            "found": reply.found,
            "found_at": reply.asked_at,
            "count_due": differs == 1,  # once more at once, to tell chance from loss
            "differs_times": differs,
        }
        # A sweep that just ended found what it could; the next look is its own.
        if differs >= 2 and older(state.scan_ended_at, scan_pause(state), reply.asked_at):
            changes |= {"sweep_due": True, "differs_times": 0}
        self._write(reply, [], changes)

    # ------------------------------------------------------------------- sweep and scan

    def _sweep(self, state: SyncState) -> None:
        """Compare ids and timestamps of the whole log with the ledger, page by page."""
        if state.scan_started_at is None:
            before = self._ask(state, requests.count(self._log(state)))
            state = self._begin_scan(found=before.found)
        if state.scan_undated:
            self._sweep_undated(state)
            return
        page = self._span_page(state, state.scan_from, None, ids_only=True)
        if page is None:
            return
        late = _unknown(_failures(page.documents))
        # Ids alone do not show a document that cannot be read for what it is.
        in_full = bool(late) or len(_failures(page.documents)) < len(page.documents)
        if in_full:
            page = self._span_page(state, state.scan_from, None)
            if page is None:
                return
        changes: Changes = {"scan_from": page.go_on, "scan_undated": page.is_finished}
        if late and state.loaded_at:
            changes["overlap_seconds"] = _wider(state.overlap_seconds, late, state.watermark)
        known = [] if in_full else _failures(page.documents)
        self._write(page.reply, page.documents if in_full else [], changes)
        _touch(known, page.reply.asked_at)

    def _begin_scan(self, found: int | None = None) -> SyncState:
        over = {
            **_scan_over(),
            "scan_started_at": timezone.now(),
            "scan_complete": False,
            "scan_found": found,
        }
        SyncState.objects.filter(pk=SyncState.ONLY).update(**over)
        return current_state()

    def _sweep_undated(self, state: SyncState) -> None:
        payload = requests.undated(self._log(state), offset=state.scan_offset)
        try:
            reply = self._ask(state, payload)
        except RequestRefused:
            self._finish_scan(state, complete=False)
            return
        documents = self.read(reply)
        offset = state.scan_offset + len(reply.documents)
        self._write(reply, documents, {"scan_offset": offset})
        if any(document.logged_at for document in _failures(documents)):
            # They do carry a timestamp: under another name than the one we ask by.
            self._set(step=SyncState.Step.FIRST, mode=SyncState.Mode.UNDECIDED, answered_at=None)
        if offset >= reply.found or not reply.documents:
            after = self._ask(state, requests.count(self._log(state)))
            self._write(after, [], {"found": after.found, "found_at": after.asked_at})
            # Some may have come or gone meanwhile; fewer than were ever there are too few.
            few = min(after.found, after.found if state.scan_found is None else state.scan_found)
            assert state.scan_started_at
            self._finish_scan(current_state(), complete=_seen_since(state.scan_started_at) >= few)

    def _page(self, state: SyncState) -> None:
        """Compatible mode: read the documented request page by page until nothing is new."""
        if state.scan_started_at is None:
            state = self._begin_scan()
        assert state.scan_started_at
        payload = requests.documented_page(self._log(state), start=state.scan_offset)
        reply = self._ask(state, payload)
        documents = self.read(reply)
        before = _seen_since(state.scan_started_at)
        offset = state.scan_offset + len(reply.documents)
        found = reply.found if state.scan_found is None else state.scan_found
        changes: Changes = {
            "scan_offset": offset,
            "scan_found": found,
            "found": reply.found,
            "found_at": reply.asked_at,
            "count_due": False,
            **(names := _names(reply.documents)),
        }
        if any(getattr(state, column) != name for column, name in names.items()):
            changes["mode_decided_at"] = None  # a range under the new name may work
        self._write(reply, documents, changes)
        seen = _seen_since(state.scan_started_at)
        if seen > before and offset < reply.found:
            return
        if seen == found == reply.found:
            self._finish_scan(current_state(), complete=True)
        elif state.scan_try + 1 < SCAN_TRIES:
            SyncState.objects.filter(pk=SyncState.ONLY).update(
                scan_try=F("scan_try") + 1, scan_offset=0, scan_found=None
            )
        else:
            self._finish_scan(current_state(), complete=False)

    def _finish_scan(self, state: SyncState, *, complete: bool) -> None:
        assert state.scan_started_at
        began, now = state.scan_started_at, timezone.now()
        if complete:
            self._mark_left(began)
        seconds = (now - began).total_seconds()
        words = "complete" if complete else "not complete"
        _note(SyncEvent.Kind.SCANNED, f"{words}, {seconds:.1f} s, {state.found or 0:,} in the log")
        with transaction.atomic():
            lease.hold(self.owner, self.length)
            SyncState.objects.filter(pk=SyncState.ONLY).update(
                **{
                    **_scan_over(),
                    "scan_ended_at": now,
                    "scan_seconds": seconds,
                    "scan_complete": complete,
                    "loaded_at": state.loaded_at or now,
                    "sweep_due": False,
                    "count_due": state.mode == SyncState.Mode.RANGE,
                    "differs_times": 0,
                    "kept": count_kept(),
                    "unreadable": Unreadable.objects.filter(left_log_at=None).count(),
                    "revision": F("revision") + 1,
                }
            )

    def _mark_left(self, began: datetime) -> None:
        """Mark attempts that left the log: absent from a complete scan and from a look-up."""
        Unreadable.objects.filter(left_log_at=None, seen_last_at__lt=began).update(
            left_log_at=timezone.now()
        )
        seen = Attempt.objects.filter(seen_last_at__gte=began)
        absent = (
            Attempt.objects.filter(left_log_at=None, seen_last_at__lt=began)
            .exclude(document_key__in=seen.values("document_key"))
            .select_related("order")
            .only("document_key", "expires_at", "order__order_name")
        )
        by_name: dict[str, list[Attempt]] = {}
        by_id: dict[str, list[Attempt]] = {}
        for attempt in absent.iterator():
            name = attempt.order.order_name
            groups = by_name if name else by_id
            groups.setdefault(name or attempt.document_key, []).append(attempt)
        control = seen.exclude(order__order_name="").order_by("-pk").first()
        if control is not None:
            forms = (requests.named, requests.named_as_phrases)
            self._mark_absent(forms, by_name, control.order.order_name)
        control = seen.exclude(document_key__startswith="sha256:").order_by("-pk").first()
        if control is not None:
            self._mark_absent((requests.identified,), by_id, control.document_key)

    def _mark_absent(
        self, forms: Sequence[Form], groups: dict[str, list[Attempt]], control: str
    ) -> None:
        wanted = list(groups)
        for i in range(0, len(wanted), NAMES_A_REQUEST - 1):
            chunk = wanted[i : i + NAMES_A_REQUEST - 1]
            reply = self.find(forms, chunk, control)
            if reply is None:
                return
            there = _keys(self.read(reply))
            gone = [a for key in chunk for a in groups[key] if a.document_key not in there]
            self._mark(gone)

    def _mark(self, gone: list[Attempt]) -> None:
        now = timezone.now()
        expired = [a.pk for a in gone if a.expires_at and a.expires_at <= now]
        removed = [a.pk for a in gone if not a.expires_at or a.expires_at > now]
        with transaction.atomic():
            lease.hold(self.owner, self.length)
            for keys, reason in ((expired, Attempt.Left.EXPIRED), (removed, Attempt.Left.REMOVED)):
                Attempt.objects.filter(pk__in=keys).update(left_log_at=now, left_log_reason=reason)
            orders = Attempt.objects.filter(pk__in=[a.pk for a in gone])
            roll_up(set(orders.values_list("order_id", flat=True)))


@dataclass
class _Page:
    """One page of a span; ``go_on`` is the bound of the next, None after the last."""

    reply: Reply
    documents: Readings
    go_on: datetime | None = None

    @property
    def is_last(self) -> bool:
        return len(self.reply.documents) >= self.reply.found

    @property
    def is_finished(self) -> bool:
        return self.go_on is None

    @property
    def last_second(self) -> datetime | None:
        failures = _failures(self.documents)
        moment = failures[-1].logged_at if failures else None
        return whole_second(moment) if moment else None

    def fault(self, since: datetime | None, before: datetime | None, *, newest_first: bool) -> str:
        return fault_of_page(_failures(self.documents), since, before, newest_first=newest_first)


def _note(kind: SyncEvent.Kind, text: str) -> None:
    row = SyncEvent.objects.create(at=timezone.now(), kind=kind, text=text[:600])
    SyncEvent.objects.filter(pk__lte=row.pk - EVENTS_KEPT).delete()


def _failures(documents: Readings) -> list[FailureDocument]:
    return [document for document in documents if isinstance(document, FailureDocument)]


def _keys(documents: Sequence[FailureDocument | UnreadableDocument]) -> set[str]:
    return {
        document.document_key if isinstance(document, FailureDocument) else document.sha256
        for document in documents
    }


def _names(raw_documents: list[Any]) -> Changes:
    """Names under which the first document that has them carries what we ask by."""
    columns = {
        "doc_type": "doc_type_field",
        "timestamp": "timestamp_field",
        "document_id": "document_id_field",
        "order_name": "order_name_field",
    }
    names: Changes = {}
    for raw in raw_documents:
        if isinstance(raw, dict):
            for name, value in raw.items():
                column = columns.get(FIELD_OF_NAME.get(name, ""))
                if column and value and column not in names and len(name) <= 100:
                    names[column] = name
        if len(names) == len(columns):
            break
    return names


def _scan_over() -> Changes:
    return {
        "scan_started_at": None,
        "scan_offset": 0,
        "scan_from": None,
        "scan_undated": False,
        "scan_try": 0,
        "scan_found": None,
    }


def _seen_since(began: datetime) -> int:
    seen = Attempt.objects.filter(seen_last_at__gte=began)
    documents = seen.values("document_key").distinct().count()
    return documents + Unreadable.objects.filter(seen_last_at__gte=began).count()


def _past_expiry(now: datetime) -> int:
    """Count kept documents that HotWax may have removed since: those past their expiry."""
    here = Attempt.objects.filter(left_log_at=None)
    keys = here.filter(expires_at__lt=now).values("document_key")
    last = (
        here.filter(document_key__in=keys).values("document_key").annotate(last=Max("expires_at"))
    )
    return last.filter(last__lt=now).count()


def _unknown(documents: list[FailureDocument]) -> list[FailureDocument]:
    keys = {document.document_key for document in documents}
    rows = Attempt.objects.filter(document_key__in=keys, left_log_at=None)
    known = set(rows.values_list("document_key", "logged_key"))
    return [d for d in documents if (d.document_key, d.logged_key) not in known]


def _touch(documents: list[FailureDocument], seen_at: datetime) -> None:
    keys = {document.document_key for document in documents}
    Attempt.objects.filter(document_key__in=keys).update(seen_last_at=seen_at)


def _wider(seconds: int, late: list[FailureDocument], watermark: datetime | None) -> int:
    """Widen the overlap (5, 15, 60 minutes) for documents that became visible too late."""
    if not watermark or not any(d.logged_at and d.logged_at < watermark for d in late):
        return seconds
    return 900 if seconds < 900 else 3600


def count_kept() -> int:
    """Count distinct documents not marked as left, unreadable ones included: `data-kept`."""
    here = Attempt.objects.filter(left_log_at=None).values("document_key").distinct().count()
    return here + Unreadable.objects.filter(left_log_at=None).count()
