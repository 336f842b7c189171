"""`check_hotwax`: every failure is found, and said with its remedy; the secret never is."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from reconciler.demo import solr
from reconciler.hotwax.client import Client
from reconciler.ledger.sync import connection_check as check
from reconciler.ledger.sync.source import configured_source
from tests.clock import NOW
from tests.makers import document, envelope, oms_order, solr_reply, static, two_cores

HELD = [document(f"#{i}", logged=NOW - timedelta(hours=i + 2)) for i in range(12)]
Answer = Callable[[dict[str, Any]], httpx.Response]


def results(answer: Answer) -> dict[str, tuple[str, str]]:
    source = configured_source()
    transport = httpx.MockTransport(lambda r: answer(json.loads(r.content) if r.content else {}))
    with Client(source.endpoint, transport) as client:
        findings = list(check.Check(client, source).findings())
    for finding in findings:
        assert (finding.result == check.OK) == (not finding.remedy), finding
    return {finding.step: (finding.result, finding.text) for finding in findings}


def test_a_good_connection_passes_every_step() -> None:
    found = results(two_cores(HELD, oms_order("#1", NOW)))
    assert list(found) == [
        "address",
        "TLS",
        "credentials",
        "core",
        "clock",
        "documents",
        "fields",
        "time zone",
        "paging",
        "range",
        "sort",
        "look-up by name",
        "order index",
    ]
    assert found["order index"][1] == "an order is found by name; product stores seen: STORE_US"
    assert {result for result, _ in found.values()} == {"ok"}


def refuse_range(body: dict[str, Any]) -> httpx.Response:
    if "sort" in body["json"]:
        return httpx.Response(400, json={"error": {"msg": "undefined field", "code": 400}})
    return solr_reply(HELD)(body)


def ignore_start(body: dict[str, Any]) -> httpx.Response:
    body["json"]["params"].pop("start", None)
    return solr_reply(HELD)(body)


def no_names(body: dict[str, Any]) -> httpx.Response:
    filters = body["json"].get("filter", [""])
    return (
        httpx.Response(200, json=envelope([]))
        if isinstance(filters[0], dict)
        else solr_reply(HELD)(body)
    )


def unsorted(body: dict[str, Any]) -> httpx.Response:
    reply = solr.answer(HELD, body["json"])[1]
    if "desc" in str(body["json"].get("sort")):
        reply["response"]["docs"].reverse()
    return httpx.Response(200, json=reply)


EARLY = [{**d, "firstAttemptedImport": "January 3, 2020 10:15:12 PM"} for d in HELD]
FAULTS: list[tuple[Answer, str, str, str]] = [
    # what HotWax does, the step that finds it, its result, a word
    (static({}, 401), "credentials", "failure", "401"),
    (static("<html>", 404), "core", "failure", "logInsights: HotWax knows no such address (404)"),
    (static({"error": {"msg": "no such core"}}, 400), "core", "failure", "no such core"),
    (static("<html>hi</html>"), "core", "failure", "HTML"),
    (static({}, 503), "core", "failure", "503"),
    (static(envelope([])), "documents", "warning", "0 of the type"),
    (static(envelope(["x", *HELD])), "documents", "warning", "1 of 13 cannot be read"),
    (
        solr_reply([{k: v for k, v in d.items() if k != "site"} for d in HELD]),
        "fields",
        "warning",
        "missing: site",
    ),
    (
        solr_reply([{**d, "orderCreatedDate": "x"} for d in HELD]),
        "dates",
        "warning",
        "orderCreatedDate in 12",
    ),
    (solr_reply(EARLY), "time zone", "warning", "12 of 12"),
    (ignore_start, "paging", "failure", "ignored"),
    (refuse_range, "range", "warning", "undefined field"),
    (refuse_range, "sort", "warning", "undefined field"),
    (static(envelope(HELD)), "range", "warning", "outside"),
    (unsorted, "sort", "warning", "does not sort"),
    (no_names, "look-up by name", "warning", "not found"),
]


@pytest.mark.parametrize(("answer", "step", "result", "word"), FAULTS)
def test_a_fault_is_found_at_its_step(answer: Answer, step: str, result: str, word: str) -> None:
    found = results(answer)
    assert found[step][0] == result
    assert word in found[step][1]


def test_no_finding_holds_the_secret(settings: Any) -> None:
    settings.HOTWAX_TOKEN = "s3cr3t-t0ken"
    for answer in (solr_reply(HELD), static({}, 401), static({"_ERROR_MESSAGE_": "no"})):
        told = str(results(answer))
        assert "s3cr3t-t0ken" not in told
        assert "s3cret" not in told


def _refusing(status: int) -> Answer:
    log = solr_reply(HELD)
    return lambda body: (
        log(body) if "coreName" in body else httpx.Response(status, text="<h1>no</h1>")
    )


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (_refusing(403), "refused the credentials (403)"),
        (_refusing(404), "no such address (404)"),
        (two_cores(HELD, []), "holds no sales order"),
        (two_cores(HELD, oms_order("#1", NOW, orderName=None)), "holds no sales order"),
    ],
)
def test_an_order_index_that_cannot_be_asked_is_a_note(answer: Answer, told: str) -> None:
    result, text = results(answer)["order index"]
    assert result == "warning"
    assert told in text
