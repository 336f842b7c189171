"""What became of failed orders: counted again from documents, answers and what people did."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser

from dashboard.filtering.parameters import ARRIVAL_NAMES
from dashboard.trends import figures
from reconciler.hotwax.oms_orders import OmsOrder
from reconciler.ledger.arrival_spans import ARRIVAL_SPANS
from reconciler.ledger.models import FailedOrder, State, SyncState
from reconciler.ledger.work import arrivals, triage
from tests import clock
from tests.clock import NOW, local
from tests.dashboard.conftest import Open, Page
from tests.makers import document

pytestmark = pytest.mark.django_db
Keep = Callable[..., None]
ERRORS = ("Connection timeout", "Product not found for SKU A-{n}", "Order item type not exist")


class World:
    """Forty orders of the last nine days, and what happened to each, hour by hour."""

    def __init__(self, keep: Keep) -> None:
        rng = random.Random(5)
        self.created = {f"#{n}": NOW - timedelta(hours=rng.randrange(5, 200)) for n in range(40)}
        self.error = {name: rng.choice(ERRORS).format(n=n) for n, name in enumerate(self.created)}
        keep(
            *(
                document(
                    name,
                    document_id=f"d{name}",
                    created=created,
                    logged=created + timedelta(minutes=30),
                    error=self.error[name],
                )
                for name, created in self.created.items()
            )
        )
        #: Name -> verdict; when it failed and arrived; who resolved it; what happened to its state.
        self.verdict: dict[str, str] = {}
        self.minutes: list[int] = []
        self.resolved: dict[str, str] = {}
        self.once: set[str] = set()
        self.again: set[str] = set()
        self.changes: list[tuple[Any, int]] = []

    def answer(self, names: list[str], there: set[str], ago: timedelta) -> None:
        """Let the OMS answer for these names."""
        at = NOW - ago
        found = [
            OmsOrder(f"M{n}", n, "Approved", self.created[n], "S") for n in names if n in there
        ]
        with clock.stopped_at(at):
            arrivals.write_answer(names, found, at, {})
        for name in names:
            before = self.verdict.get(name)
            self.verdict[name] = "imported" if name in there else "missing"
            if name in there and before == "missing":
                failed = self.created[name] + timedelta(minutes=30)
                self.minutes.append(max(0, int((at - failed).total_seconds() // 60)))
            if name in there and name not in self.resolved:
                self._resolve(name, "system", at)

    def _resolve(self, name: str, actor: str, at: Any) -> None:
        self.resolved[name] = actor
        self.once.add(name)
        self.changes.append((at, 1))

    def resolve(self, name: str, ago: timedelta) -> None:
        """Let a person resolve an order."""
        self._set(name, State.RESOLVED, ago)
        self._resolve(name, "ann", NOW - ago)

    def reopen(self, name: str, ago: timedelta) -> None:
        """Let a person open it again."""
        self._set(name, State.OPEN, ago)
        del self.resolved[name]
        self.again.add(name)
        self.changes.append((NOW - ago, -1))

    def _set(self, name: str, state: State, ago: timedelta) -> None:
        pk = FailedOrder.objects.get(order_name=name).pk
        triage.set_state([pk], state, "", "ann", NOW - ago)


@pytest.fixture
def world(keep: Keep) -> World:
    made = World(keep)
    names = list(made.created)
    hour = timedelta(hours=1)
    made.answer(names[:20], set(names[:5]), 4 * hour)  # what was there at once has no time
    made.answer(names[5:20], set(names[5:11]), 2 * hour)
    made.resolve(names[30], 3 * hour)
    made.resolve(names[31], 3 * hour)
    made.reopen(names[31], hour)
    return made


def percentile(values: list[int], per_cent: int) -> int:
    ordered = sorted(values)
    return ordered[-(-len(ordered) * per_cent // 100) - 1]


def numbers(page: Page, chart: str) -> dict[str, str]:
    rows = page.root.one("table", data_chart=chart).all("tr", data_key=...)  # type: ignore[arg-type]
    return {row.get("data-key"): row.all("td", data_value=...)[0].get("data-value") for row in rows}  # type: ignore[arg-type]


def figure(page: Page, name: str) -> str | None:
    return page.root.one(data_figure=name).get("data-value")


def test_trends_tell_what_a_recount_finds(world: World, open_page: Open, browser: Browser) -> None:
    page = open_page("/trends/?period=all")
    expected = Counter(world.verdict.get(name, "unchecked") for name in world.created)
    shown = numbers(page, "verdicts")
    assert {key: int(n) for key, n in shown.items() if n != "0"} == expected
    actors = Counter(world.resolved.values())
    assert numbers(page, "resolved") == {actor: str(n) for actor, n in actors.items()}
    ends = {"15m": 15, "1h": 60, "4h": 240, "24h": 1440, "3d": 4320, "7d": 10_080, "later": 10**9}
    arrivals = Counter(
        next(name for name, end in ends.items() if minutes < end) for minutes in world.minutes
    )
    shown = {key: int(n) for key, n in numbers(page, "time-to-arrival").items()}
    assert shown.pop("open") == len(world.created) - len(world.resolved)
    assert shown == {name: arrivals[name] for name in ends}
    assert figure(page, "arrival-p50") == str(percentile(world.minutes, 50))
    assert figure(page, "arrival-p90") == str(percentile(world.minutes, 90))
    assert figure(page, "reopened") == f"{100 * len(world.again) / len(world.once):.1f}"
    asked = expected["imported"] + expected["missing"]
    assert figure(page, "arrived") == str(round(100 * expected["imported"] / asked))
    answer = browser.get("/api/trends?period=all").json()["outcomes"]
    assert answer["minutes_to_arrival"]["measured"] == len(world.minutes)
    assert (answer["was_resolved"], answer["was_reopened"]) == (len(world.once), len(world.again))
    assert f"{expected['unchecked']} of these orders HotWax was never asked about" in " ".join(
        page.html.split()
    )


def test_the_backlog_is_what_was_not_resolved_at_the_end_of_each_day(
    world: World, browser: Browser
) -> None:
    bars = browser.get("/api/trends?period=all").json()["outcomes"]["not_resolved"]
    assert bars
    first = {name: created + timedelta(minutes=10) for name, created in world.created.items()}
    for bar in bars:
        day = local(clock.datetime.fromisoformat(bar["from"])).date()

        def by_then(moment: Any, day: Any = day) -> bool:
            return bool(local(moment).date() <= day)

        expected = sum(map(by_then, first.values()))
        expected -= sum(change for at, change in world.changes if by_then(at))
        assert bar["count"] == expected


def test_every_mark_opens_as_many_orders(world: World, open_page: Open) -> None:
    page = open_page("/trends/?period=7d")
    for chart in ("verdicts", "time-to-arrival", "resolved"):
        for row in page.root.one("table", data_chart=chart).all("tr", data_key=...):  # type: ignore[arg-type]
            shown = int(row.all("td", data_value=...)[0].get("data-value"))  # type: ignore[arg-type]
            assert len(row.all("a")) == bool(shown)
            for link in row.all("a"):
                assert open_page(link.get("href")).total == shown, chart
    page = open_page("/errors/?period=7d")
    for row in page.root.all("tr", data_slug=...):  # type: ignore[arg-type]
        for link in row.one("td", data_column="missing").all("a"):
            assert open_page(link.get("href")).total == int(link.get("data-value"))


def test_errors_tell_what_was_asked_what_arrived_and_what_is_missing(
    world: World, open_page: Open
) -> None:
    rows = open_page("/errors/").root.all("tr", data_slug=...)  # type: ignore[arg-type]
    found = {}
    for row in rows:
        advice = row.one("td", data_column="retry")
        missing = row.one("td", data_column="missing").one(data_value=...).get("data-value")  # type: ignore[arg-type]
        text = row.one("th", data_column="error").one("a").get("title")
        found[text] = tuple(
            map(int, (advice.get("data-asked"), advice.get("data-arrived"), missing))
        )
    expected: dict[str, list[int]] = {}
    for name, error in world.error.items():
        template = "Product not found for SKU ‹sku›" if "SKU" in error else error
        counts = expected.setdefault(template, [0, 0, 0])
        verdict = world.verdict.get(name)
        counts[0] += verdict is not None
        counts[1] += verdict == "imported"
        counts[2] += verdict == "missing"
    assert found == {template: tuple(counts) for template, counts in expected.items()}


@pytest.mark.parametrize(
    "query",
    [
        "verdict=missing&verdict=imported",  # a row leads to its own verdict alone
        "view=resolved",
        "view=missing",
        "state=resolved&state=open",
        "resolved_by=system&resolved_by=ann",
        "arrived=!15m",
    ],
)
def test_every_mark_opens_as_many_orders_whatever_is_chosen(
    query: str, world: World, open_page: Open
) -> None:
    page = open_page(f"/trends/?period=all&{query}")
    followed = 0
    for chart in page.root.all("table", data_chart=...):  # type: ignore[arg-type]
        if chart.get("data-chart") not in ("verdicts", "time-to-arrival", "resolved"):
            continue
        for row in chart.all("tr", data_key=...):  # type: ignore[arg-type]
            shown = int(row.all("td", data_value=...)[0].get("data-value"))  # type: ignore[arg-type]
            for link in row.all("a"):
                assert open_page(link.get("href")).total == shown, row.get("data-key")
                followed += 1
    assert followed


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("arrived=15m", "#1"),
        ("arrived=1h", "#2 #3"),
        ("arrived=4h", ""),
        ("arrived=24h", "#4"),
        ("arrived=7d", "#5"),
        ("arrived=later", "#6"),
        ("arrived=15m&arrived=later", "#1 #6"),
        ("arrived=!15m", "#2 #3 #4 #5 #6 #7 #8"),
        ("resolved_by=system", "#1 #2 #3 #4 #5 #6"),
        ("resolved_by=ann", "#7"),
        ("resolved_by=bob", ""),
        ("resolved_by=!system", "#7 #8"),
    ],
)
def test_orders_by_when_they_arrived_and_who_resolved_them(
    query: str, names: str, keep: Keep, open_page: Open
) -> None:
    waited = {"#1": 0, "#2": 15, "#3": 59, "#4": 240, "#5": 4 * 1440, "#6": 10_080}
    failed = NOW - timedelta(days=10)
    dates = {"logged": failed, "created": failed}
    keep(*(document(f"#{n}", document_id=f"d{n}", **dates) for n in range(1, 9)))
    arrivals.write_answer([*waited, "#7", "#8"], [], failed, {})
    for name, minutes in waited.items():
        there = [OmsOrder(f"M{name}", name, "Approved", failed, "S")]
        arrivals.write_answer([name], there, failed + timedelta(minutes=minutes), {})
    triage.set_state([FailedOrder.objects.get(order_name="#7").pk], State.RESOLVED, "", "ann", NOW)
    page = open_page(f"/orders/?view=all&sort=order&{query}")
    assert " ".join(page.names) == names


def test_every_span_of_the_time_to_arrival_has_a_name() -> None:
    assert list(ARRIVAL_NAMES) == list(ARRIVAL_SPANS)


@pytest.mark.parametrize(
    ("minutes", "before", "words"),
    [
        (52, 58, "52 min down 6 min from 58 min"),
        (52, 52, "52 min no change from 52 min"),
        (545, 470, "9 h up 2 h from 7 h"),
        (52, 130, "52 min down 1 h from 2 h"),
        (3000, 600, "2 d up 1 d from 10 h"),
        (52, None, "52 min"),
    ],
)
def test_a_time_is_compared_in_the_units_that_are_read(
    minutes: int, before: int | None, words: str
) -> None:
    shown = figures.time_figure("p50", "Median", minutes, before)
    told = {1: f"up {shown.change}", -1: f"down {-(shown.change or 0)}", 0: "no change"}
    sign = ((shown.change or 0) > 0) - ((shown.change or 0) < 0)
    written = f"{shown.shown} {shown.unit}"
    if shown.change is not None:
        written += f" {told[sign]}{shown.suffix if sign else ''} from {shown.before}"
    assert written == words


def test_arrivals_are_compared_with_the_period_before(keep: Keep, open_page: Open) -> None:
    """Ten orders a week: of these nine arrived within an hour, of those before five in two."""
    SyncState.objects.update(loaded_at=NOW - timedelta(days=1), answered_at=NOW)
    for week, (there, hours) in enumerate(((9, 1), (5, 2))):
        failed = NOW - timedelta(days=7 * week + 1)
        names = [f"#{week}{n}" for n in range(10)]
        keep(*(document(n, document_id=f"d{n}", created=failed, logged=failed) for n in names))
        arrivals.write_answer(names, [], failed, {})
        found = [OmsOrder(f"M{n}", n, "Approved", failed, "S") for n in names[:there]]
        arrivals.write_answer(names, found, failed + timedelta(hours=hours), {})
    page = open_page("/trends/?period=7d")
    told = {name: page.root.one(data_figure=name) for name in ("arrived", "arrival-p50")}
    assert " ".join(told["arrived"].text.split()).endswith("90 % up 40 points from 50 %")
    assert " ".join(told["arrival-p50"].text.split()).endswith("1 h down 1 h from 2 h")
    # Those of this period had less time: what they reached is neither better nor worse.
    for one in told.values():
        assert one.all("span", class_="delta")


def test_a_median_is_of_the_orders_of_its_row(keep: Keep, browser: Browser) -> None:
    """Of three that arrived after one, two and three hours one is opened again, one ann's."""
    failed = NOW - timedelta(days=1)
    names = ["#1", "#2", "#3"]
    keep(*(document(n, document_id=n, created=failed, logged=failed) for n in names))
    arrivals.write_answer(names, [], failed, {})
    for hours, name in enumerate(names, 1):
        there = [OmsOrder(f"M{name}", name, "Approved", failed, "S")]
        arrivals.write_answer([name], there, failed + timedelta(hours=hours), {})
    keys = {order.order_name: order.pk for order in FailedOrder.objects.all()}
    for name, states in (("#1", [State.OPEN]), ("#2", [State.OPEN, State.RESOLVED])):
        for state in states:
            triage.set_state([keys[name]], state, "", "ann", failed + timedelta(hours=5))
    answer = browser.get("/api/trends?period=all").json()["outcomes"]
    assert answer["minutes_to_arrival"] == {"measured": 3, "p50": 120, "p90": 180}
    assert answer["resolvers"] == [
        {"actor": "system", "count": 1, "median_minutes": 180},
        {"actor": "ann", "count": 1, "median_minutes": 300},
    ]


def test_who_resolved_before_that_was_noted_is_counted_and_not_named(
    keep: Keep, open_page: Open
) -> None:
    keep(*(document(f"#{n}", document_id=f"d{n}") for n in (1, 2, 3)))
    keys = list(FailedOrder.objects.values_list("pk", flat=True))
    triage.set_state(keys[:2], State.RESOLVED, "", "ann", NOW)
    FailedOrder.objects.filter(pk=keys[0]).update(state_by="")
    panel = open_page("/trends/").root.one("section", aria_labelledby="h-resolved")
    assert [row.get("data-key") for row in panel.all("tr", data_key=...)] == ["ann"]  # type: ignore[arg-type]
    assert "and 1 by others" in panel.text


@pytest.mark.parametrize(
    ("error", "arrived", "of", "words"),
    [
        ("Connection timeout", 2, 12, "only 17 % arrived"),
        ("Connection timeout", 9, 12, "75 % arrived"),
        ("Connection timeout", 0, 3, "0 % arrived"),
        (
            "No Shopify order found for id: 5432109876",
            9,
            12,
            "75 % arrived anyway",
        ),
        ("No Shopify order found for id: 5432109876", 2, 12, "17 % arrived"),
        ("Order item type not exist", 0, 0, "never asked"),
    ],
)
def test_what_contradicts_an_advice_is_said(
    error: str, arrived: int, of: int, words: str, keep: Keep, open_page: Open
) -> None:
    keep(*(document(f"#{n}", document_id=f"d{n}", error=error) for n in range(12)))
    orders = list(FailedOrder.objects.all())
    found = [
        OmsOrder(f"M{n}", order.order_name, "Approved", order.order_created_at, "S")
        for n, order in enumerate(orders[:arrived])
    ]
    arrivals.write_answer([order.order_name for order in orders[:of]], found, NOW, {})
    (row,) = open_page("/errors/").root.all("tr", data_slug=...)  # type: ignore[arg-type]
    assert words in row.one("td", data_column="retry").text


def test_an_undo_is_no_opening(world: World, browser: Browser) -> None:
    order = FailedOrder.objects.filter(state="open").first()
    assert order is not None
    done = triage.set_state([order.pk], State.RESOLVED, "", "ann", NOW)
    triage.undo(done.action.pk, "ann", NOW)
    answer = browser.get("/api/trends?period=all").json()["outcomes"]
    assert answer["was_reopened"] == len(world.again)


def test_where_nothing_is_known_nothing_is_drawn(keep: Keep, open_page: Open) -> None:
    keep(document("#1"))
    page = open_page("/trends/")
    assert not page.root.all("table", data_chart="backlog")
    assert "No order was seen to arrive yet" in page.html
