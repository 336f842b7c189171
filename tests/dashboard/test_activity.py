"""The activity: every event, newest first, narrowed by what it says; exports too."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from reconciler.ledger.models import Event, FailedOrder
from reconciler.ledger.work import events
from reconciler.ledger.work_models import EventKind
from tests.clock import NOW, local
from tests.dashboard.conftest import Element, Page
from tests.dashboard.test_acting import of_role
from tests.makers import document

pytestmark = pytest.mark.django_db
Keep = Callable[..., None]


@pytest.fixture
def ann(quiet: None) -> Browser:
    return of_role("ann", "Agent")


@pytest.fixture
def happened(keep: Keep, ann: Browser) -> None:
    keep(document("#1", document_id="d1"), document("LUNE#2", document_id="d2"))
    one, two = FailedOrder.objects.order_by("pk")
    for n, (order, kind, actor, before, after) in enumerate(
        [
            (one, EventKind.VERDICT, "system", "unchecked", "missing"),
            (one, EventKind.ASSIGN, "ann", "", "bob"),
            (two, EventKind.STATE, "bob", "open", "waiting:shop"),
            (two, EventKind.REOPENED, "system", "resolved", "open"),
            (two, EventKind.LEFT_LOG, "system", "", "removed"),
            (None, EventKind.EXPORT, "ann", "view Open", "failed-orders-2.csv"),
        ]
    ):
        at = NOW - timedelta(days=6 - n)
        events.record(
            [events.event(kind, at, order=order, actor=actor, before=before, after=after)]
        )


def rows(browser: Browser, query: str = "") -> list[Element]:
    return Page(browser.get(f"/activity/{query}")).root.all("tr", data_event=...)  # type: ignore[arg-type]


def test_every_event_is_a_row_newest_first(ann: Browser, happened: None) -> None:
    shown = rows(ann)
    assert [int(row.get("data-event")) for row in shown] == list(
        Event.objects.order_by("-at").values_list("pk", flat=True)
    )
    told = [row.one(class_="what").text for row in shown]
    assert told == [
        "exported failed-orders-2.csv (view Open)",
        "HotWax removed it from its log before it expired",
        "opened it again: it failed, and is not known to be in HotWax",
        "Open → Waiting for the shop",
        "gave it to bob",
        "asked HotWax: not in HotWax",
    ]
    assert (shown[3].get("data-before"), shown[3].get("data-after")) == ("open", "waiting:shop")


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("?kind=state", 1),
        ("?actor=ann", 2),
        ("?actor=system&kind=left_log", 1),
        ("?actor=nobody", 0),
        ("?order=lune%232", 3),
        ("?order=2", 3),
        ("?order=3", 0),
        ("?order=(%231),%222%22", 5),
        ("?kind=state&kind=assign", 2),
        ("?kind=!verdict&actor=system", 2),
        ("?page=99", 6),
    ],
)
def test_it_is_narrowed(query: str, number: int, ann: Browser, happened: None) -> None:
    assert len(rows(ann, query)) == number


def test_days_are_of_the_dashboards_zone(ann: Browser, happened: None) -> None:
    day = local(NOW - timedelta(days=3)).date()
    assert len(rows(ann, f"?from={day}&to={day}")) == 1
    assert len(rows(ann, f"?from={day}")) == 3


@pytest.mark.parametrize(
    "query",
    [
        "?kind=x",
        "?from=today",
        "?page=0",
        "?actor=" + "x" * 201,
        "?from=2026-11-02&to=2026-11-01",
        "?" + "&".join(f"actor=a{n}" for n in range(201)),
    ],
)
def test_what_cannot_be_read_is_told(query: str, ann: Browser, happened: None) -> None:
    answer = ann.get(f"/activity/{query}")
    assert answer.status_code == 400
    assert Page(answer).root.all(class_="field__error")


def test_a_viewer_sees_what_they_did(happened: None) -> None:
    vera = of_role("vera", "Viewer")
    assert rows(vera) == []
    vera.get("/orders/export.csv")
    (row,) = rows(vera)
    assert (row.get("data-kind"), row.get("data-actor")) == ("export", "vera")
    assert row.get("data-after").endswith("-2.csv")


def test_it_outlives_the_account(ann: Browser, happened: None) -> None:
    User.objects.filter(username="bob").delete()
    assert len(rows(ann, "?actor=bob")) == 1


def test_pages_go_on(ann: Browser, happened: None) -> None:
    events.record(
        [events.event(EventKind.NOTE, NOW, actor="ann", after=str(n)) for n in range(250)]
    )
    first = Page(ann.get("/activity/?actor=ann"))
    link = first.root.one("a", rel="next").get("href")
    assert len(rows(ann, link.removeprefix("/activity/"))) == 100
    assert len(rows(ann, "?actor=ann&page=3")) == 52


def test_nothing_is_no_error(ann: Browser) -> None:
    vera = of_role("vera", "Viewer")
    assert vera.get("/activity/").status_code == 200
    assert ann.get("/activity/?kind=note").status_code == 200


@pytest.mark.parametrize(
    ("note", "told"),
    [
        ("The shop is **waiting**\n\n- for `stock`", "noted: The shop is waiting for stock"),
        ("<b>1 &amp; 2</b> [here](https://x.y/)", "noted: <b>1 & 2</b> here"),
        ("a < b and c", "noted: a < b and c"),
        ("**" + "x" * 400 + "**", "noted: " + "x" * 299 + "…"),
    ],
)
def test_a_note_is_told_by_its_words(note: str, told: str, ann: Browser, keep: Keep) -> None:
    keep(document("#1"))
    order = FailedOrder.objects.get()
    noted = events.event(EventKind.NOTE, NOW, order=order, actor="ann", before="", after=note)
    events.record([noted])
    (row,) = rows(ann, "?kind=note")
    assert row.one("div", class_="what").text == told
    assert not row.one("div", class_="what").all("b")
