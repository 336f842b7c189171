"""Answers the requests that Reconciler's client makes as Solr would; any other gets Solr's 400.

Never guesses: what is not understood to the last key is refused.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

Document = dict[str, Any]
Keeps = Callable[[Document], bool]


@dataclass(frozen=True)
class Schema:
    """The fields of a core; ``exact`` are those that one may search by their whole value."""

    fields: frozenset[str]
    exact: frozenset[str]
    filters: frozenset[str] = frozenset()


_QUERY = re.compile(r'docType:(?:([A-Za-z0-9_]+)|"((?:[^"\\]|\\.)*)")|\*:\*')
_RANGE = re.compile(r"timestamp:\[(\S+) TO (\S+?)([\]}])")
_UNDATED = "(*:* -timestamp:[* TO *])"
_SORT = re.compile(r"(timestamp|document-id) (asc|desc)")
_KEYS = {"params", "filter", "sort", "fields", "limit", "offset"}
_PARAMS = {"q", "start", "rows", "expandMacros", "echoParams"}
#: With these a reply is grouped by the orders of its documents.
_GROUPING = {"group": "true", "group.field": "orderId", "group.limit": "1"}
LOG = Schema(
    frozenset(
        {
            "site",
            "shopifyOrderName",
            "orderCreatedDate",
            "firstAttemptedImport",
            "docType",
            "ttl",
            "errorMessage",
            "timestamp",
            "expire_at",
            "document-id",
            "version",
        }
    ),
    frozenset({"shopifyOrderName", "document-id"}),
)
ORDERS = Schema(
    frozenset(
        {
            "id",
            "docType",
            "orderTypeId",
            "orderId",
            "orderName",
            "orderItemSeqId",
            "orderStatusDesc",
            "orderDate",
            "productStoreId",
            "orderIdentifications",
        }
    ),
    frozenset({"orderName"}),
    frozenset({"docType:ORDER", "orderTypeId:SALES_ORDER"}),
)


class Refused(Exception):
    """Solr's 400, with Solr's message."""


def answer(
    documents: list[Document], request: dict[str, Any], schema: Schema = LOG
) -> tuple[int, dict[str, Any]]:
    """Answer the inside of HotWax's ``json`` key: HTTP status and reply."""
    header: dict[str, Any] = {"zkConnected": True, "status": 0, "QTime": 1}
    try:
        found = _found(documents, request, schema)
        start, rows = _window(request)
        _shown({}, request, schema)
    except Refused as error:
        header["status"] = 400
        return 400, {"responseHeader": header, "error": {"msg": str(error), "code": 400}}
    if request["params"].get("group"):
        groups = [
            {"groupValue": value, "doclist": _doclist(group, group[:1], 0, request, schema)}
            for value, group in _grouped(found).items()
        ]
        by_order = {"matches": len(found), "groups": groups[start : start + rows]}
        return 200, {"responseHeader": header, "grouped": {"orderId": by_order}}
    response = _doclist(found, found[start : start + rows], start, request, schema)
    return 200, {"responseHeader": header, "response": response}


def _doclist(
    found: list[Document],
    page: list[Document],
    start: int,
    request: dict[str, Any],
    schema: Schema,
) -> dict[str, Any]:
    docs = [_shown(document, request, schema) for document in page]
    return {"numFound": len(found), "start": start, "numFoundExact": True, "docs": docs}


def _grouped(documents: list[Document]) -> dict[str, list[Document]]:
    groups: dict[str, list[Document]] = {}
    for document in documents:
        groups.setdefault(document["orderId"], []).append(document)
    return groups


def _found(documents: list[Document], request: dict[str, Any], schema: Schema) -> list[Document]:
    if unknown := set(request) - _KEYS:
        raise Refused(f"Unknown top-level key in JSON request : {sorted(unknown)[0]}")
    params = request.get("params")
    if not isinstance(params, dict) or set(params) - _PARAMS - set(_GROUPING):
        raise Refused(f"not understood: params {params}")
    grouping = {name: params[name] for name in _GROUPING if name in params}
    if grouping and (grouping != _GROUPING or "orderId" not in schema.fields):
        raise Refused(f"not understood: params {params}")
    query = _QUERY.fullmatch(str(params.get("q")))
    if not query:
        raise Refused(f"not understood: q {params.get('q')}")
    doc_type = query[1] if query[2] is None else re.sub(r"\\(.)", r"\1", query[2])
    tests = [_test(item, schema) for item in _listed(request.get("filter", []))]
    kept = [
        document
        for document in documents
        if doc_type in (None, document.get("docType")) and all(test(document) for test in tests)
    ]
    return _sorted(kept, request.get("sort"))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _test(item: Any, schema: Schema) -> Keeps:
    if isinstance(item, dict):
        return _phrases(item, schema) if "bool" in item else _terms(item, schema)
    if item in schema.filters:
        name, _, value = item.partition(":")
        return lambda document: document.get(name) == value
    if item == _UNDATED:
        return lambda document: "timestamp" not in document
    match = _RANGE.fullmatch(str(item))
    if not match:
        raise Refused(f"not understood: filter {item}")
    since, until, closing = _moment(match[1]), _moment(match[2]), match[3]

    def lies_within(document: Document) -> bool:
        if "timestamp" not in document:
            return False
        moment = _moment(document["timestamp"])
        assert moment is not None
        if since is not None and moment < since:
            return False
        return until is None or (moment <= until if closing == "]" else moment < until)

    return lies_within


def _terms(item: dict[str, Any], schema: Schema) -> Keeps:
    terms = item.get("terms")
    if set(item) != {"terms"} or not isinstance(terms, dict):
        raise Refused(f"not understood: filter {item}")
    name, text, separator = terms.get("f"), terms.get("query"), terms.get("separator")
    if set(terms) != {"f", "query", "separator"} or not isinstance(text, str) or not separator:
        raise Refused(f"not understood: terms {terms}")
    if name not in schema.exact:
        raise Refused(f"undefined field {name}")
    wanted = set(text.split(separator))
    return lambda document: document.get(name) in wanted


def _phrases(item: dict[str, Any], schema: Schema) -> Keeps:
    clauses = item["bool"].get("should") if isinstance(item["bool"], dict) else None
    if set(item) != {"bool"} or set(item["bool"]) != {"should"} or not isinstance(clauses, list):
        raise Refused(f"not understood: filter {item}")
    wanted = set()
    for clause in clauses:
        phrase = clause.get("field") if isinstance(clause, dict) else None
        if not isinstance(phrase, dict) or phrase.get("f") not in schema.exact:
            raise Refused(f"not understood: {clause}")
        wanted.add((phrase["f"], phrase.get("query")))
    return lambda document: any(document.get(name) == text for name, text in wanted)


def _sorted(documents: list[Document], sort: Any) -> list[Document]:
    if sort is None:
        return documents
    for clause in reversed(str(sort).split(", ")):
        match = _SORT.fullmatch(clause)
        if not match:
            raise Refused("Can't determine a Sort Order (asc or desc) in sort spec " + repr(sort))
        name, descending = match[1], match[2] == "desc"
        key = _time_of if name == "timestamp" else _id_of
        documents = sorted(documents, key=key, reverse=descending)
    return documents


def _time_of(document: Document) -> datetime:
    return _moment(document.get("timestamp", "*")) or datetime.min.replace(tzinfo=UTC)


def _id_of(document: Document) -> str:
    return str(document.get("document-id", ""))


def _window(request: dict[str, Any]) -> tuple[int, int]:
    params = request["params"]
    start = request.get("offset", params.get("start", 0))
    rows = request.get("limit", params.get("rows", 10))
    for value in (start, rows):
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise Refused(f"not understood: {value}")
    return start, rows


def _shown(document: Document, request: dict[str, Any], schema: Schema) -> Document:
    fields = request.get("fields")
    if fields is None:
        return document
    if not isinstance(fields, list) or set(fields) - schema.fields:
        raise Refused(f"not understood: fields {fields}")
    return {name: document[name] for name in fields if name in document}


@lru_cache(maxsize=400_000)
def _moment(text: str) -> datetime | None:
    if text == "*":
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise Refused(f"Invalid Date String:'{text}'") from None
