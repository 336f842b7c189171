"""Every figure of Orders, Errors, Trends and the API, counted again from the raw documents."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from django.test import Client as Browser

from reconciler.ledger.models import SyncState
from tests import recount
from tests.clock import NOW, ZONE, day
from tests.dashboard.conftest import Element, Open, Page
from tests.recount import Order, Period

ZONES = dict.fromkeys(("UTC", "America/New_York", ZONE))
#: New York went back to winter time on 1 November 2026.
AROUND = min(datetime(2026, 11, 6, tzinfo=UTC), NOW)
DAYS = {"from": day(AROUND - timedelta(days=9)), "to": day(AROUND - timedelta(days=3))}
QUERIES: tuple[dict[str, str], ...] = (
    {"period": "7d"},
    {"period": "30d", "date": "first"},
    {**DAYS, "date": "created"},
    {"period": "30d", "shop": "a.myshopify.com", "category": "!mapping", "date": "failed"},
)
Keep = Callable[..., None]


@pytest.fixture
def raws(keep: Keep) -> list[recount.Raw]:
    """Orders of late and around a change of the clocks, kept in batches, some of them twice."""
    raws = recount.generate(NOW, 5, range(200))
    raws += recount.generate(AROUND, 6, range(200, 350), steady=True)
    keep(*raws[len(raws) // 2 :])
    keep(*raws[: len(raws) // 2])
    keep(*raws[:30])
    SyncState.objects.update(loaded_at=AROUND - timedelta(days=15), answered_at=NOW)
    return raws


def number(element: Element) -> int:
    """Read a value; 0 where nothing was measured."""
    return int(element.get("data-value") or 0)


def table(page: Page, name: str) -> list[tuple[Element, list[int]]]:
    chart = page.root.one("table", data_chart=name)
    rows = [row for row in chart.all("tr") if row.all("td")]
    return [
        (row, [number(td) for td in row.all("td", data_value=...)])  # type: ignore[arg-type]
        for row in rows
    ]


def keeps(order: Any, query: dict[str, str]) -> bool:
    """What `shop` and `category` of the query string keep."""
    if query.get("shop", order.shop) != order.shop:
        return False
    category = query.get("category", "")
    return not category or (order.category != category[1:])


def counted(
    raws: list[recount.Raw], query: dict[str, str], zone: str, which: str
) -> tuple[list[Order], list[Order], Period]:
    period = Period.of(query, NOW, ZoneInfo(zone))
    orders = [order for order in recount.orders_of(raws) if keeps(order, query)]
    now = [order for order in orders if period.holds(getattr(order, which))]
    before = [order for order in orders if period.before.holds(getattr(order, which))]
    return now, before, period


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest, settings: Any) -> str:
    settings.TIME_ZONE = settings.DASHBOARD_TIME_ZONE = request.param
    return str(request.param)


def test_orders(raws: list[recount.Raw], zone: str, open_page: Open, browser: Browser) -> None:
    attempts = recount.attempts_of(raws)
    for query in QUERIES:
        now, before, period = counted(raws, query, zone, query.get("date", "failed"))
        page = open_page(f"/orders/?view=all&{urlencode(query)}")
        assert page.total == len(now)
        figures = {e.get("data-figure"): e for e in page.root.all(data_figure=...)}  # type: ignore[arg-type]
        assert number(figures["failed"]) == len(now)
        assert f"from {len(before)}" in figures["failed"].text
        kinds = {order.kind for order in now}
        new = [k for k in kinds if recount.label_of(k, attempts, period) == "New"]
        assert number(figures["new"]) == len(new)
        soon = [order for order in now if NOW <= order.expires <= NOW + timedelta(days=7)]
        assert number(figures["expiring"]) == len(soon)
        days = recount.per_day(now, period, query.get("date", "failed"), "category")
        drawn = table(page, "failed-per-day")[::-1]
        for (_, numbers), parts in zip(drawn, days.values(), strict=True):
            assert [n for n in numbers[:-1] if n] != [] or not parts
            assert sorted(n for n in numbers[:-1] if n) == sorted(parts.values())
            assert numbers[-1] == parts.total()
        for facet, key in (("category", "category"), ("shop", "shop")):
            own = {name: value for name, value in query.items() if name != facet}
            expected = Counter(
                getattr(o, key) for o in counted(raws, own, zone, query.get("date", "failed"))[0]
            )
            values = page.root.one(data_facet=facet).all(data_value=...)  # type: ignore[arg-type]
            assert {v.get("data-value"): int(v.get("data-count")) for v in values} == expected
        assert browser.get(f"/api/orders?view=all&{urlencode(query)}").json()["total"] == len(now)


def test_errors(raws: list[recount.Raw], zone: str, open_page: Open) -> None:
    attempts, labels = recount.attempts_of(raws), set()
    everything = recount.orders_of(raws)
    for query in QUERIES:
        now, before, period = counted(raws, query, zone, query.get("date", "failed"))
        page = open_page(f"/errors/?{urlencode(query)}")
        rows = {
            recount.kind_of(row.one("th", data_column="error").one("a").get("title")): row
            for row in page.root.all("tr", data_slug=...)  # type: ignore[arg-type]
        }
        assert rows.keys() == {order.kind for order in now}
        assert page.total == len(rows)
        assert f"behind {len(now)} failed order" in " ".join(page.html.split())
        for kind, row in rows.items():
            mine = [order for order in now if order.kind == kind]
            found = {
                name: number(row.one("td", data_column=name).one(data_value=...))  # type: ignore[arg-type]
                for name in ("orders", "open", "stores", "attempts")
            }
            assert found == {
                "orders": len(mine),
                "open": len(mine),
                "stores": len({order.shop for order in mine}),
                "attempts": sum(order.attempts for order in mine),
            }
            earlier = [order for order in before if order.kind == kind]
            ever = [order for order in everything if order.kind == kind]
            label = recount.label_of(kind, attempts, period) or recount.change_of(
                mine, earlier, ever, NOW
            )
            assert row.one("td", data_column="label").text == label
            labels.add(label)
            change = row.one("td", data_column="change").one("span", data_before=...)  # type: ignore[arg-type]
            assert number(change) == len(mine) - len(earlier)
            assert int(change.get("data-before")) == len(earlier)
            logged = [a.logged for a in attempts if a.kind == kind]
            for column, moment in (("first_seen", min(logged)), ("last_seen", max(logged))):
                times = row.one("td", data_column=column).all("time")
                assert times[0].get("datetime") == f"{moment:%Y-%m-%dT%H:%M:%SZ}"
            chart = table(page, f"error-{row.get('data-slug')}")
            assert sum(numbers[0] for _, numbers in chart) == len(mine)
    assert labels >= {"New", "Back", ""}


@pytest.mark.parametrize("by", ["category", "error", "shop"])
def test_trends(
    by: str, raws: list[recount.Raw], zone: str, open_page: Open, browser: Browser
) -> None:
    for query in QUERIES:
        which = query.get("date", "first")
        now, before, period = counted(raws, query, zone, which)
        written = urlencode(query | {"by": by})
        page, answer = (
            open_page(f"/trends/?{written}"),
            browser.get(f"/api/trends?{written}").json(),
        )
        assert page.total == len(now) == answer["failed"]["now"]
        assert answer["failed"]["before"] == len(before)
        key = "kind" if by == "error" else by
        days = recount.per_day(now, period, which, key)
        spans = answer["over_time"]["spans"]
        drawn = table(page, "failed-per-day")[::-1]
        earlier = recount.per_day(before, period.before, which, key)
        assert [span["before"] for span in spans] == [day.total() for day in earlier.values()]
        for (row, numbers), span, (begin_day, parts) in zip(
            drawn, spans, days.items(), strict=True
        ):
            begin = recount.midnight(period.first.fromisoformat(begin_day), period.zone).timestamp()
            assert row.one("time").get("datetime") == begin_day
            assert recount.datetime.fromisoformat(span["from"]).timestamp() == begin
            assert numbers[-1] == span["count"] == parts.total()
            assert numbers[:-1] == list(span["parts"].values())
            assert sorted(n for n in numbers[:-1] if n) == sorted(parts.values())
        was, is_ = Counter(o.category for o in before), Counter(o.category for o in now)
        found = {row.get("data-key"): numbers for row, numbers in table(page, "by-category")}
        assert found == {key: [is_[key]] for key in was | is_}
        assert {c["key"]: (c["now"], c["before"]) for c in answer["categories"]} == {
            key: (is_[key], was[key]) for key in was | is_
        }
        was, is_ = Counter(o.shop for o in before), Counter(o.shop for o in now)
        moved = {key: (is_[key], was[key]) for key in was | is_ if is_[key] != was[key]}
        assert {r["key"]: (r["now"], r["before"]) for r in answer["stores_moved"]} == moved
        movers = Counter(o.kind for o in now)
        movers.subtract(Counter(o.kind for o in before))
        changes = [row["now"] - row["before"] for row in answer["errors_moved"]]
        assert sorted(changes) == sorted(n for n in movers.values() if n)
        assert changes == sorted(changes, reverse=True)
        for store in answer["stores"]:
            lags = [recount.minutes(order) for order in now if order.shop == store["key"]]
            assert [store["p50"], store["p90"]] == [recount.percentile(lags, n) for n in (50, 90)]
        for name, orders in (("now", now), ("before", before)):
            lags = [recount.minutes(order) for order in orders]
            found = {k: v[name] for k, v in answer["minutes_to_first_attempt"].items()}
            assert found == {f"p{n}": recount.percentile(lags, n) for n in (50, 90)}
        grid = recount.heat(now, period, which)
        assert answer["weekday_hours"] == grid
        assert [n[:-1] for _, n in table(page, "weekday-hour")] == grid
        opened = [order for order in recount.orders_of(raws) if keeps(order, query)]
        today = NOW.astimezone(period.zone).date()
        assert [row["count"] for row in answer["open_by_age"]] == recount.ages(
            opened, today, period.zone
        )
        assert [n[0] for _, n in table(page, "open-by-age")] == recount.ages(
            opened, today, period.zone
        )


def test_attempts(raws: list[recount.Raw], zone: str, browser: Browser) -> None:
    for query in QUERIES:
        period = Period.of(query, NOW, ZoneInfo(zone))
        mine = [a for a in recount.attempts_of(raws) if keeps(a, query)]
        now = [a for a in mine if period.holds(a.logged)]
        before = [a for a in mine if period.before.holds(a.logged)]
        answer = browser.get(f"/api/trends?{urlencode(query)}&count=attempts").json()
        assert answer["failed"] == {"now": len(now), "before": len(before)}
        days = recount.per_day(now, period, "logged", "category")
        for span, parts in zip(answer["over_time"]["spans"], days.values(), strict=True):
            assert {key: n for key, n in span["parts"].items() if n} == parts
        assert answer["weekday_hours"] == recount.heat(now, period, "logged")


def test_every_mark_opens_as_many_orders(
    raws: list[recount.Raw], zone: str, open_page: Open
) -> None:
    query = urlencode({**DAYS, "by": "error"})
    page = open_page(f"/trends/?{query}")
    links: dict[str, int] = {}
    for mark in page.root.all("a", tabindex="-1"):
        links[mark.get("href")] = recount.digits(mark.one("title").text.rpartition(": ")[2])
    for name in ("by-category", "movers-errors", "by-store", "open-by-age"):
        for row, numbers in table(page, name):
            now = numbers[0] if name == "by-store" else numbers[-1]
            # What has no orders any more leads to those of the period before.
            before = [int(td.get("data-before")) for td in row.all("td", data_before=...)]  # type: ignore[arg-type]
            for link in row.all("a"):
                links[link.get("href")] = now or sum(before)
    total = page.root.one("a", data_figure="failed")
    links[total.get("href")] = number(total)
    assert len(links) > 40
    for url, count in links.items():
        assert open_page(url).total == count, url
    for name in ("failed-per-day", "weekday-hour"):
        for row, _ in table(page, name):
            assert {a.get("href") for a in row.all("a")} <= links.keys()
