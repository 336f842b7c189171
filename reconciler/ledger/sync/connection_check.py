"""Is the connection to HotWax right? Step by step, each failure with its remedy.

Asks live and writes nothing. What is only slower than it could be (no range, no sort) is a
warning: compatible mode copes. No finding holds a secret.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.utils import timezone

from reconciler.hotwax import exceptions, requests
from reconciler.hotwax.client import Client
from reconciler.hotwax.documents import (
    ALIASES,
    FIELD_OF_NAME,
    FailureDocument,
    ForeignDocument,
    UnreadableDocument,
    read_document,
)
from reconciler.hotwax.oms_orders import FIELDS, OmsOrder, read_oms_orders
from reconciler.hotwax.ranges import SECOND, fault_of_page, newest, whole_second
from reconciler.hotwax.replies import Reply
from reconciler.ledger.models import SyncState
from reconciler.ledger.queries import CLOCK_TOLERANCE
from reconciler.ledger.sync.source import Source, configured_source

OK, WARNING, FAILURE = "ok", "warning", "failure"
#: Canonical fields without which orders cannot be shown as they should be.
WANTED = ("order_name", "site", "created", "first_attempted", "error", "timestamp", "expire_at")


@dataclass(frozen=True)
class Finding:
    """One step: its name, ``ok``, ``warning`` or ``failure``, what was seen, what to do."""

    step: str
    result: str
    text: str
    remedy: str = ""


class Check:
    """Runs the steps over one client; ``findings`` yields them as they are made."""

    def __init__(self, client: Client, source: Source) -> None:
        self.client, self.source = client, source
        self.log = requests.Log(source.core, source.doc_type)
        self.method = ""

    def findings(self) -> Iterator[Finding]:
        """Yield a finding per step; ends early where nothing more can be asked."""
        try:
            reply = self._first_reply()
        except exceptions.HotWaxError as error:
            yield from _of_first_request(error, self.source)
            return
        yield from _of_first_request(None, self.source)
        yield Finding("core", OK, f"{self.source.core} answers, asked by {self.method}")
        yield _clock(reply)
        documents = self._read(reply)
        yield self._documents(reply)
        if not documents:
            return
        yield from self._fields(reply.documents, documents)
        yield from self._log_steps(documents)
        yield self._order_index()

    def _log_steps(self, documents: list[FailureDocument]) -> Iterator[Finding]:
        for step in (self._paging, self._range, self._sort, self._look_up):
            name = step.__name__.removeprefix("_").replace("look_up", "look-up by name")
            try:
                yield step(documents)
            except exceptions.HotWaxError as error:
                yield Finding(name, WARNING, str(error), "Compatible mode is used.")

    def _first_reply(self) -> Reply:
        try:
            return self._ask(requests.documented_page(self.log))
        except exceptions.RequestRefused as refused:
            if refused.not_solr:
                raise
            # docType may go by another name.
            seen = seen_fields(self._ask(requests.anything(self.log)).documents)
            names = [name for name, (field, _) in seen.items() if field == "doc_type"]
            if not names or names[0] == self.log.doc_type_field:
                raise
            self.log = replace(self.log, doc_type_field=names[0])
            return self._ask(requests.documented_page(self.log))

    def _ask(self, payload: requests.Payload) -> Reply:
        reply = self.client.ask_any(payload, self.method, patiently=False)
        self.method = reply.method
        return reply

    def _read(self, reply: Reply) -> list[FailureDocument]:
        read = (
            read_document(raw, self.source.doc_type, self.source.reading) for raw in reply.documents
        )
        return [document for document in read if isinstance(document, FailureDocument)]

    def _documents(self, reply: Reply) -> Finding:
        kinds = Counter(
            type(read_document(raw, self.source.doc_type, self.source.reading))
            for raw in reply.documents
        )
        text = f"{reply.found:,} of the type {self.source.doc_type}"
        if not reply.found:
            return Finding(
                "documents",
                WARNING,
                text,
                "Good news, if no order failed in 60 days; else check HOTWAX_DOC_TYPE.",
            )
        if kinds[UnreadableDocument]:
            return Finding(
                "documents",
                WARNING,
                f"{text}; {kinds[UnreadableDocument]} of {len(reply.documents)} cannot be read",
                "They are kept and listed on the status page.",
            )
        if kinds[ForeignDocument]:
            return Finding("documents", WARNING, f"{text}; some are of another type", "Left out.")
        return Finding("documents", OK, text)

    def _fields(self, raws: list[Any], documents: list[FailureDocument]) -> Iterator[Finding]:
        seen = seen_fields(raws)
        names = {field: name for name, (field, _) in seen.items() if field}
        standard = requests.Log()
        self.log = requests.Log(
            self.source.core,
            self.source.doc_type,
            names.get("doc_type", standard.doc_type_field),
            names.get("timestamp", standard.timestamp),
            names.get("document_id", standard.document_id),
            names.get("order_name", standard.order_name),
        )
        shown = ", ".join(f"{name} ({kind})" for name, (_, kind) in seen.items())
        missing = [ALIASES[field][0] for field in WANTED if field not in names]
        if missing:
            text = f"{shown}; missing: {', '.join(missing)}"
            yield Finding("fields", WARNING, text, "What is missing is shown as not known.")
        else:
            yield Finding("fields", OK, shown)
        problems = Counter(problem.split(" ")[0] for d in documents for problem in d.problems)
        if problems:
            text = ", ".join(f"{name} in {count}" for name, count in problems.items())
            yield Finding("dates", WARNING, f"cannot be read: {text}", "Each order's page says so.")
        negative, of = negative_lags((d.created_at, d.first_attempted_at) for d in documents)
        zone = self.source.reading.zone.key
        if negative * 20 > of:
            text = f"{negative} of {of} first attempts lie before their order, read as {zone}"
            yield Finding("time zone", WARNING, text, "Set HOTWAX_TIME_ZONE to the server's zone.")
        else:
            yield Finding("time zone", OK, f"{zone}: no first attempt lies before its order")

    def _paging(self, documents: list[FailureDocument]) -> Finding:
        one = self._ask(requests.documented_page(self.log, 0, 2))
        if one.found <= 2:
            return Finding("paging", OK, "all documents fit on one page")
        other = self._ask(requests.documented_page(self.log, 2, 2))
        keys = [{d.document_key for d in self._read(reply)} for reply in (one, other)]
        if keys[0] & keys[1]:
            remedy = "Nothing can be read to its end so; ask HotWax."
            return Finding("paging", FAILURE, "start and rows are ignored", remedy)
        return Finding("paging", OK, "start and rows work")

    def _range(self, documents: list[FailureDocument]) -> Finding:
        latest = newest(documents)
        if latest is None or latest.logged_at is None:
            return Finding("range", WARNING, "no document has a timestamp", _COMPATIBLE)
        since = whole_second(latest.logged_at)
        inside = self._read(self._ask(requests.span(self.log, since, since + SECOND)))
        outside = self._read(self._ask(requests.span(self.log, since + SECOND, None)))
        fault = fault_of_page(inside, since, since + SECOND) or fault_of_page(
            outside, since + SECOND, None
        )
        if not inside and not fault:
            fault = "the server finds nothing in a range that holds a document"
        if fault:
            return Finding("range", WARNING, fault, _COMPATIBLE)
        return Finding("range", OK, f"on {self.log.timestamp}")

    def _sort(self, documents: list[FailureDocument]) -> Finding:
        page = self._read(self._ask(requests.span(self.log, None, None, newest_first=True)))
        fault = fault_of_page(page, None, None, newest_first=True)
        if fault:
            return Finding("sort", WARNING, fault, _COMPATIBLE)
        return Finding("sort", OK, f"on {self.log.timestamp}, over {len(page):,} documents")

    def _look_up(self, documents: list[FailureDocument]) -> Finding:
        name = next((d.order_name for d in documents if d.order_name), "")
        for form in (requests.named, requests.named_as_phrases):
            reply = self._ask(form(self.log, [name]))
            if name in {document.order_name for document in self._read(reply)}:
                return Finding("look-up by name", OK, f"on {self.log.order_name}")
        remedy = "Names that are not known here cannot be asked live."
        return Finding("look-up by name", WARNING, "a name just seen is not found", remedy)

    def _order_index(self) -> Finding:
        """Ask the OMS order index for an order that it shows, by its name."""
        try:
            shown = self._oms_orders([], phrases=False)
            if not shown:
                raise exceptions.MalformedReply("it holds no sales order that can be read")
            name = shown[0].name
            for phrases in (False, True):
                if name in {order.name for order in self._oms_orders([name], phrases=phrases)}:
                    stores = sorted({order.product_store for order in shown} - {""})
                    told = f"an order is found by name; product stores seen: {', '.join(stores)}"
                    return Finding("order index", OK, told)
            raise exceptions.MalformedReply("an order just seen is not found by name")
        except exceptions.HotWaxError as error:
            remedy = "Whether orders arrived is not known; everything else works."
            return Finding("order index", WARNING, str(error), remedy)

    def _oms_orders(self, names: list[str], *, phrases: bool) -> list[OmsOrder]:
        payload = requests.oms_orders(
            self.source.order_core, FIELDS, names, phrases=phrases, grouped=False
        )
        return read_oms_orders(self._ask(payload).documents, self.source.reading.zone)


_COMPATIBLE = "Compatible mode is used: the whole log is read every few minutes."


def _of_first_request(error: exceptions.HotWaxError | None, source: Source) -> Iterator[Finding]:
    """Yield what the first request shows of address, TLS and credentials."""
    where = source.endpoint.url
    is_tls = error is not None and "TLS" in str(error)
    if isinstance(error, exceptions.Unreachable) and not isinstance(error, exceptions.Unavailable):
        if not is_tls:
            yield Finding("address", FAILURE, f"{where}: {error}", error.remedy)
            return
        yield Finding("address", OK, f"{where} answers")
        yield Finding("TLS", FAILURE, str(error), error.remedy)
        return
    yield Finding("address", OK, f"{where} answers")
    secure = urlsplit(where).scheme == "https"
    yield Finding("TLS", OK, "the certificate is accepted" if secure else "not used on loopback")
    how = (
        "a token"
        if source.endpoint.token
        else f"the login of {source.endpoint.username}"
        if source.endpoint.username
        else "none are sent, and none asked for"
    )
    if isinstance(error, exceptions.CredentialsRefused):
        yield Finding("credentials", FAILURE, str(error), error.remedy)
        return
    if error is not None:
        yield Finding("core", FAILURE, f"{source.core}: {error}", error.remedy)
        return
    yield Finding("credentials", OK, how)


def _clock(reply: Reply) -> Finding:
    seconds = reply.clock_ahead_seconds
    if abs(seconds) <= CLOCK_TOLERANCE.total_seconds():
        return Finding("clock", OK, "ours and HotWax's agree")
    way = "ahead of" if seconds > 0 else "behind"
    text = f"ours is {abs(seconds):,} s {way} HotWax's"
    return Finding("clock", WARNING, text, "Set this machine's clock, or ask HotWax about theirs.")


def seen_fields(raws: list[Any]) -> dict[str, tuple[str, str]]:
    """Return the field names seen, with canonical field ("" if unknown) and kind of value."""
    seen: dict[str, tuple[str, str]] = {}
    for raw in raws:
        for name, value in raw.items() if isinstance(raw, dict) else ():
            if name not in seen and value not in ("", None, []):
                seen[name] = (FIELD_OF_NAME.get(name, ""), _kind(value))
    return seen


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return f"list of {_kind(value[0])}" if value and not isinstance(value[0], list) else "list"
    if isinstance(value, bool):
        return "boolean"
    return (
        "number"
        if isinstance(value, int | float)
        else "text"
        if isinstance(value, str)
        else "object"
    )


def negative_lags(pairs: Any) -> tuple[int, int]:
    """Count the pairs (created, first attempted) whose attempt comes first, and all pairs."""
    both: list[tuple[datetime, datetime]] = [(a, b) for a, b in pairs if a and b]
    return sum(first < created for created, first in both), len(both)


def check_and_remember(client: Client, source: Source) -> None:
    """Run all steps and keep the findings for the status page."""
    findings = [asdict(finding) for finding in Check(client, source).findings()]
    SyncState.objects.filter(pk=SyncState.ONLY).update(
        check_findings=json.dumps(findings), checked_at=timezone.now()
    )


def last_findings(state: SyncState) -> list[Finding]:
    """Return the findings of the last check; empty if there was none."""
    return [Finding(**finding) for finding in json.loads(state.check_findings or "[]")]


def check_connection() -> None:
    """Check the connection step by step, live, and keep the findings for the status page."""
    source = configured_source()
    with Client(source.endpoint) as client:
        check_and_remember(client, source)
