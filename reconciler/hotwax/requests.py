"""What to ask HotWax: pure functions that make the JSON body of a request.

The only home of Solr syntax (HOTWAX.md, "Writing Solr requests"). People's text goes into leaf
strings of Solr's object form only; dates are built from datetimes, never from text.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Payload = dict[str, Any]

PAGE_ROWS = 500
#: The most rows asked for in one request: a whole block of one second (LEDGER.md §3).
BLOCK_ROWS = 10_000
#: How many orders are asked for to learn what the OMS order index holds.
SAMPLE_ROWS = 10
#: A name cannot hold this character, so it separates the values of a terms query.
SEPARATOR = "\u0001"


@dataclass(frozen=True)
class Log:
    """Which log is asked, and under which names its fields were seen.

    ``core`` is the Solr collection, ``doc_type`` the value of ``docType``. The others are
    the names under which the first reply carried the value (``timestamp_dt``, ``id`` …).
    """

    core: str = "logInsights"
    doc_type: str = "SHOPIFY_ORDER"
    doc_type_field: str = "docType"
    timestamp: str = "timestamp"
    document_id: str = "document-id"
    order_name: str = "shopifyOrderName"


def documented(log: Log) -> Payload:
    """Make the request of HotWax's documentation, to the letter."""
    return {"json": {"params": {"q": _ours(log)}}, "coreName": log.core}


def anything(log: Log, rows: int = 100) -> Payload:
    """Ask for documents of any type, to learn the names of their fields."""
    return {"json": {"params": {"q": "*:*", "start": 0, "rows": rows}}, "coreName": log.core}


def documented_page(log: Log, start: int = 0, rows: int = PAGE_ROWS) -> Payload:
    """Make the documented request with Solr's ``start`` and ``rows``; no sort, no range."""
    payload = documented(log)
    payload["json"]["params"] |= {"start": start, "rows": rows}
    return payload


def latest(log: Log, rows: int = PAGE_ROWS) -> Payload:
    """Make the documented request for the newest documents.

    The sort is best-effort: it may be refused or ignored, and callers must not rely on it.
    """
    payload = documented_page(log, rows=rows)
    payload["json"]["sort"] = f"{log.timestamp} desc"
    return payload


def count(log: Log) -> Payload:
    """Ask only how many documents there are."""
    return documented_page(log, rows=0)


def span(
    log: Log,
    since: datetime | None,
    before: datetime | None,
    *,
    newest_first: bool = False,
    rows: int = PAGE_ROWS,
    ids_only: bool = False,
) -> Payload:
    """Ask for the documents logged from ``since`` on and before ``before``, by timestamp.

    None leaves an end open. Documents without a timestamp are in no span. The upper end is
    excluded: with whole seconds that is right for dates and for strings of either width.
    """
    closing = "]" if before is None else "}"
    direction = "desc" if newest_first else "asc"
    query: dict[str, Any] = {
        "filter": [f"{log.timestamp}:[{_bound(since)} TO {_bound(before)}{closing}"],
        "sort": f"{log.timestamp} {direction}",
        "limit": rows,
    }
    if ids_only:
        query["fields"] = [log.document_id, log.timestamp]
    return _careful(log, query)


def block(log: Log, since: datetime, before: datetime, *, offset: int) -> Payload:
    """Ask for a part of a block too long for one reply, with the id as second sort key."""
    payload = span(log, since, before, rows=BLOCK_ROWS)
    payload["json"] |= {
        "sort": f"{log.timestamp} asc, {log.document_id} asc",
        "offset": offset,
    }
    return payload


def undated(log: Log, *, offset: int = 0, rows: int = PAGE_ROWS) -> Payload:
    """Ask for the documents that carry no timestamp, in the order of their ids."""
    return _careful(
        log,
        {
            "filter": [f"(*:* -{log.timestamp}:[* TO *])"],
            "sort": f"{log.document_id} asc",
            "limit": rows,
            "offset": offset,
        },
    )


def named(log: Log, names: Iterable[str], *, rows: int = BLOCK_ROWS) -> Payload:
    """Ask for the documents of these order names.

    Whatever comes back, the caller compares names exactly: a tokenised field also finds others.
    """
    return _careful(log, {"filter": [_terms(log.order_name, names)], "limit": rows})


def named_as_phrases(log: Log, names: Iterable[str], *, rows: int = BLOCK_ROWS) -> Payload:
    """Ask the same of a tokenised field, on which `terms` finds nothing: each name a phrase."""
    return _careful(log, {"filter": [_phrases(log.order_name, names)], "limit": rows})


def oms_orders(
    core: str, fields: Sequence[str], names: Iterable[str] = (), *, phrases: bool, grouped: bool
) -> Payload:
    """Ask the OMS order index for the sales orders of these names; without any for a few orders.

    ``core`` is the index's collection; with "" none is sent, and HotWax takes its own default.
    ``phrases`` asks a tokenised field, on which `terms` finds nothing. ``grouped`` asks for one
    document an order instead of one an item.
    """
    wanted = list(names)
    filters: list[Any] = ["docType:ORDER", "orderTypeId:SALES_ORDER"]
    if wanted:
        filters.append((_phrases if phrases else _terms)("orderName", wanted))
    params = {"q": "*:*", "expandMacros": "false", "echoParams": "none"}
    if grouped:
        params |= {"group": "true", "group.field": "orderId", "group.limit": "1"}
    query: dict[str, Any] = {
        "params": params,
        "filter": filters,
        "fields": list(fields),
        "limit": BLOCK_ROWS if wanted else SAMPLE_ROWS,
    }
    return {"json": query, "coreName": core} if core else {"json": query}


def identified(log: Log, ids: Sequence[str]) -> Payload:
    """Ask for the documents of these ids."""
    return _careful(log, {"filter": [_terms(log.document_id, ids)], "limit": len(ids)})


def _terms(field: str, values: Iterable[str]) -> dict[str, Any]:
    joined = SEPARATOR.join(values)
    return {"terms": {"f": field, "separator": SEPARATOR, "query": joined}}


def _phrases(field: str, values: Iterable[str]) -> dict[str, Any]:
    return {"bool": {"should": [{"field": {"f": field, "query": value}} for value in values]}}


def _careful(log: Log, query: dict[str, Any]) -> Payload:
    # Without expandMacros=false Solr expands ${…} in any text; echoParams would echo it all.
    params = {"q": _ours(log), "expandMacros": "false", "echoParams": "none"}
    return {"json": {"params": params, **query}, "coreName": log.core}


def _ours(log: Log) -> str:
    # One word as documented; anything else as a phrase, in which Solr reads only \\ and ".
    value = log.doc_type
    if not re.fullmatch(r"[A-Za-z0-9_]+", value):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        value = f'"{escaped}"'
    return f"{log.doc_type_field}:{value}"


def _bound(moment: datetime | None) -> str:
    if moment is None:
        return "*"
    # Always three decimals: on a string-typed timestamp […01Z TO *] omits …01.127Z.
    return (
        moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
    )
