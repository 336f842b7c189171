"""Ten thousand documents mutated by hypothesis, through client, ledger and every page."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client as Browser
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from reconciler.hotwax.documents import ALIASES, SUFFIXES
from reconciler.ledger.models import Attempt, FailedOrder, SyncState, UnreadableDocument
from reconciler.ledger.sync.schedule import current_state
from reconciler.ledger.sync.syncer import documents_kept
from tests.conftest import BACKEND, HotWax
from tests.makers import document, envelope

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
BATCH, BATCHES = 1000, 10

leaf = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(
        [
            "",
            " ",
            "\x00",
            "\ud800",
            "<script>",
            "${x}",
            "{!func}",
            "javascript:alert(1)",
            "https://a.myshopify.com/1/x?key=s",
            "9" * 400,
            "=1+1",
            "January 3, 2024 10:15:12 PM",
            "1704335862000",
            "2024-01-10T11:29:31.127Z",
            "‮",
            "😘",
            10**400,
        ]
    )
)
value = st.recursive(
    leaf,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=4,
)
names = st.sampled_from([b + s for bases in ALIASES.values() for b in bases for s in SUFFIXES[:4]])
Change = tuple[str, str, Any]
change: st.SearchStrategy[Change] = st.tuples(
    st.sampled_from(["set", "set", "set", "drop", "rename", "whole"]), names, value
)


def mutate(number: int, changes: list[Change]) -> Any:
    raw: Any = document(
        f"#{number % 400}", document_id=f"d{number}", logged=NOW - timedelta(minutes=number)
    )
    for kind, name, new in changes:
        if not isinstance(raw, dict):
            continue
        if kind == "set":
            raw[name] = new
        elif kind == "drop":
            raw.pop(name, None)
        elif kind == "rename" and name in raw:
            raw[f"{name}_s"] = raw.pop(name)
        elif kind == "whole" and isinstance(new, str | int | float | None):
            raw = new
    return raw


class EveryDocumentIsKeptOrListed(TestCase):  # type: ignore[misc]
    @settings(
        # A failure is told as it was found: shrinking 1,000 documents would take an hour.
        phases=[Phase.explicit, Phase.generate],
        max_examples=BATCHES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(st.lists(change, max_size=3), min_size=50, max_size=50))
    def test_fuzz(self, mutations: list[list[Change]]) -> None:
        # Each of hypothesis's 50 mutations goes into 20 documents: 1000 a batch, 10 batches.
        raws = [mutate(n, mutations[n % len(mutations)]) for n in range(BATCH)]
        body = json.dumps(envelope(raws))
        hotwax = HotWax(lambda request: httpx.Response(200, text=body))
        hotwax.sync()
        expected = {json.dumps(r) for r in json.loads(body)["response"]["docs"]}
        kept = set(Attempt.objects.values_list("raw", flat=True))
        listed = set(UnreadableDocument.objects.values_list("raw", flat=True))
        foreign = {r for r in expected if _is_foreign(json.loads(r))}
        # Documents that share an id and a timestamp are versions of one; the last is kept.
        assert kept | listed <= expected
        assert len(kept | listed | foreign) >= len(expected) - _shared(raws)
        assert current_state().kept == documents_kept()
        self.look_at_every_page()

    def look_at_every_page(self) -> None:
        cache.clear()  # each example's ledger is rolled back
        browser = Browser()
        user, _ = User.objects.get_or_create(username="fuzz")
        browser.force_login(user, backend=BACKEND)
        SyncState.objects.update(heartbeat_at=timezone.now())
        sorts = ["failed", "-order", "shop", "error", "-expires"]
        lists = [
            f"/orders/?view=all&per_page=100&sort={s}&page={n}" for n, s in enumerate(sorts, 1)
        ]
        trends = ["/trends/?period=all&by=error", "/trends/?period=all&count=attempts&by=shop"]
        for path in ["/status/", "/errors/?per_page=200", *trends, *lists]:
            assert browser.get(path).status_code == 200
        total = FailedOrder.objects.count()
        lines = b"".join(browser.get("/orders/export.csv?meta=1&view=all").streaming_content)  # type: ignore[attr-defined]
        assert f"Rows,{total}\r\n".encode() in lines
        for order in FailedOrder.objects.order_by("pk")[:: max(1, total // 15)]:
            assert browser.get(f"/orders/{order.pk}/").status_code == 200


def _is_foreign(raw: Any) -> bool:
    if not isinstance(raw, dict):
        return False
    types = [v for k, v in raw.items() if k.startswith("docType") and v not in ("", None, [], [""])]
    return bool(types) and types != ["SHOPIFY_ORDER"]


def _shared(raws: list[Any]) -> int:
    """How many documents may be versions of another: those whose id or timestamp was changed."""
    plain = sum(
        isinstance(r, dict)
        and r.get("document-id", "").__class__ is str
        and str(r.get("document-id", "")).startswith("d")
        and "id" not in r
        and "document_id" not in r
        for r in raws
    )
    return len(raws) - plain
