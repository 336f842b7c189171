"""HTTP answers -> Reply: content type, shape, and the errors that HotWax hides inside HTTP 200."""

import contextlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from reconciler.hotwax.exceptions import (
    CredentialsRefused,
    IncompleteReply,
    MalformedReply,
    RequestRefused,
    Unavailable,
)
from reconciler.hotwax.links import mask_keys
from reconciler.hotwax.secrets import NO_SECRETS, Secrets

#: No log holds more; a database column could not either.
MOST_DOCUMENTS = 2**31


@dataclass(frozen=True)
class Reply:
    """A checked answer of Solr: ``documents`` as JSON gave them, ``found`` = ``numFound``.

    A grouped reply is complete, or it raises: ``found`` counts its documents.
    """

    documents: list[Any]
    found: int
    #: Which of METHODS brought it.
    method: str
    #: When the request was sent, by our clock, in UTC.
    asked_at: datetime
    #: By how much our clock is ahead of the server's; 0 if it does not tell.
    clock_ahead_seconds: int = 0


def read_reply(
    status: int, headers: httpx.Headers, body: bytes, secrets: Secrets = NO_SECRETS
) -> tuple[list[Any], int]:
    """Check an HTTP answer and take Solr's documents and ``numFound`` out of it.

    Raises the HotWaxError that says what is wrong. A reply without ``response.docs`` raises:
    failure is never turned into emptiness.
    """
    if status in (401, 403):
        raise CredentialsRefused(f"HotWax refused the credentials ({status}).")
    if status == 429 or status >= 500:
        raise Unavailable(
            f"HotWax answers “not now” ({status}).",
            may_retry=status in (429, 502, 503, 504),
            not_solr=status != 429,
            retry_after=_retry_after(headers),
        )
    if status in (301, 302, 303, 307, 308):
        if "login" in headers.get("Location", "").lower():
            raise CredentialsRefused("HotWax sends us to its login page.", not_solr=True)
        raise MalformedReply(f"HotWax redirects ({status}) elsewhere.", not_solr=True)
    reply = _json(status, headers, body)
    _raise_errors_inside(status, reply, secrets)
    return _documents(status, reply, secrets)


def _json(status: int, headers: httpx.Headers, body: bytes) -> dict[str, Any]:
    text = body.decode("utf-8", "surrogateescape").lstrip("\ufeff \t\r\n")
    text = text.removeprefix("//")  # OFBiz guards its JSON so
    if text[:1] == "<":
        if status == 200 and "password" in text.lower():
            raise CredentialsRefused("HotWax answers with a login page.", not_solr=True)
        if status == 404:
            raise RequestRefused(
                "HotWax knows no such address (404).", not_solr=True, may_retry=False
            )
        raise MalformedReply(f"HotWax answers with an HTML page ({status}).", not_solr=True)
    try:
        reply = json.loads(text, parse_int=_whole_number)
    except (ValueError, RecursionError) as error:
        kind = headers.get("Content-Type", "no content type").split(";")[0][:40]
        raise MalformedReply(
            f"HotWax's answer cannot be read as JSON ({status}, {kind}).", not_solr=True
        ) from error
    if not isinstance(reply, dict):
        raise MalformedReply("HotWax's answer is no JSON object.", not_solr=True)
    inner = reply.get("response")
    if isinstance(inner, dict) and "responseHeader" in inner and "response" in inner:
        return inner  # some Moqui hosts wrap Solr's reply once more
    return reply


def _raise_errors_inside(status: int, reply: dict[str, Any], secrets: Secrets) -> None:
    header = reply.get("responseHeader")
    header = header if isinstance(header, dict) else {}
    solr_error = reply.get("error")
    code = solr_error.get("code") if isinstance(solr_error, dict) else header.get("status")
    if isinstance(code, int) and 500 <= code < 600:
        told = solr_error.get("msg", "") if isinstance(solr_error, dict) else ""
        words = f"HotWax's Solr answers “not now” ({code}). {_short(told, secrets)}"
        raise Unavailable(words.strip(), may_retry=True)
    if isinstance(solr_error, dict) and "msg" in solr_error:
        raise RequestRefused(
            f"HotWax's Solr refused the request: {_short(solr_error['msg'], secrets)}"
        )
    for name in ("_ERROR_MESSAGE_", "_ERROR_MESSAGE_LIST_", "error", "errors"):
        if reply.get(name):
            raise RequestRefused(
                f"HotWax refused the request: {_short(reply[name], secrets)}", not_solr=not header
            )
    if header.get("status") not in (None, 0):
        raise RequestRefused(
            f"HotWax's Solr answers with status {_short(header['status'], secrets)}."
        )
    if status >= 400:
        raise RequestRefused(f"HotWax refused the request ({status}).", not_solr=True)
    if header.get("partialResults", False) is not False:
        raise IncompleteReply("HotWax's Solr sent only a part of the result.")


def _documents(status: int, reply: dict[str, Any], secrets: Secrets) -> tuple[list[Any], int]:
    if "response" not in reply and isinstance(reply.get("grouped"), dict):
        return _documents_of_groups(reply["grouped"])
    response = reply.get("response")
    if not isinstance(response, dict) or not isinstance(response.get("docs"), list):
        raise MalformedReply(
            f"HotWax's answer holds no list of documents ({status}).", not_solr=True
        )
    documents, found = response["docs"], response.get("numFound")
    if (
        isinstance(found, bool)
        or not isinstance(found, int)
        or not len(documents) <= found < MOST_DOCUMENTS
    ):
        raise MalformedReply(
            f"HotWax says it found {_short(found, secrets)} documents and sent {len(documents)}."
        )
    return documents, found


def _documents_of_groups(grouped: dict[str, Any]) -> tuple[list[Any], int]:
    """Take the documents out of a reply that is grouped by one field; all groups must be there.

    ``ngroups`` is not asked for: across shards it is wrong (HOTWAX.md).
    """
    documents: list[Any] = []
    try:
        (by_field,) = grouped.values()
        sizes = [group["doclist"]["numFound"] for group in by_field["groups"]]
        for group in by_field["groups"]:
            documents += group["doclist"]["docs"]
        complete = sum(sizes) == by_field["matches"] and len(documents) >= len(sizes)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise MalformedReply("HotWax's answer holds no groups that can be read.") from None
    if not complete:
        raise IncompleteReply("HotWax's Solr sent only a part of the groups.")
    return documents, len(documents)


def _whole_number(digits: str) -> int | str:
    # Python refuses integers of more than 4,300 digits; as text nothing is lost.
    return int(digits) if len(digits) < 4000 else digits


def _short(value: object, secrets: Secrets) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    text = mask_keys(secrets.hide(" ".join(text.split())))
    return text if len(text) <= 300 else text[:299] + "…"


def clock_ahead_seconds(headers: httpx.Headers, now: datetime) -> int:
    """Return by how many seconds ``now`` is ahead of the reply's Date; 0 if it has none."""
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        difference = now - parsedate_to_datetime(headers.get("Date", ""))
        return max(-(10**9), min(10**9, int(difference.total_seconds())))
    return 0


def _retry_after(headers: httpx.Headers) -> float | None:
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:6])
    with contextlib.suppress(ValueError, TypeError):
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    return None
