"""What trends say in words; their numbers are counted again in test_recount.py."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client as Browser

from dashboard.trends.rows import Row
from reconciler.ledger.figures import counts as trends
from reconciler.ledger.models import FailedOrder, SyncState
from tests.clock import NOW, local
from tests.dashboard.conftest import Open
from tests.makers import document

Keep = Callable[..., None]
HOUR = timedelta(hours=1)


def seen_for(days: int) -> None:
    SyncState.objects.update(loaded_at=NOW - timedelta(days=days - 60), answered_at=NOW)


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        ((0.1, 1, 2), "6 min ago."),
        ((3, 4, 5, 11, 12), "it paused for 6 h before"),
        ((3, 4, 6.9, 7), "Is the log still written?"),
        ((3,), "Is the log still written?"),
    ],
)
def test_a_log_that_is_silent_for_longer_than_ever_may_be_dead(
    hours: tuple[float, ...], words: str, keep: Keep, open_page: Open
) -> None:
    keep(*(document(f"#{h}", document_id=f"{h}", logged=NOW - h * HOUR) for h in hours))
    page = open_page("/trends/")
    assert words in page.html
    assert ("Is the log" in page.html) == ("Is the log" in words)


def test_days_that_were_not_seen_are_marked_and_not_compared(keep: Keep, open_page: Open) -> None:
    for n in range(9):
        moment = NOW - timedelta(days=n)  # when it was first attempted, and logged
        keep(document(f"#{n}", logged=moment, created=moment - HOUR / 6, document_id=f"{n}"))
    seen_for(5)
    page = open_page("/trends/?period=7d")
    rows = page.root.one("table", data_chart="failed-per-day").one("tbody").all("tr")
    # The latest first. The day within which the seeing begins was not seen as a whole.
    assert ["data-unseen" in row.attributes for row in rows] == [False] * 5 + [True] * 2
    assert "some of its days, or of these, were not seen" in page.html
    assert "from " not in page.root.one(data_figure="failed").text
    seen_for(13)
    assert "were not seen" in open_page("/trends/?period=7d").html
    seen_for(14)
    compared = open_page("/trends/?period=7d")
    assert "were not seen" not in compared.html
    assert "from 2" in compared.root.one(data_figure="failed").text


def test_an_attempt_before_the_creation_is_left_out_and_said(
    keep: Keep, open_page: Open, browser: Browser
) -> None:
    keep(
        document("#1", logged=NOW - HOUR, created=NOW - 2 * HOUR),
        document("#2", logged=NOW - HOUR, created=NOW - 3 * HOUR),
        document("#3", logged=NOW - HOUR, created=NOW - 2 * HOUR, orderCreatedDate=None),
    )
    FailedOrder.objects.filter(order_name="#2").update(order_created_at=NOW)
    page = open_page("/trends/")
    assert "1 without both dates" in page.html
    assert "1 tried before creation" in page.html
    # HotWax writes the first attempt in whole seconds, ten minutes after the creation.
    (shop,) = page.root.one("table", data_chart="by-store").one("tbody").all("tr")
    assert shop.all("td", data_value=...)[-1].get("data-value") == "10"  # type: ignore[arg-type]
    of_attempts = open_page("/trends/?count=attempts")
    assert of_attempts.root.one(data_figure="p90").get("data-value") == "10"
    assert browser.get("/api/trends").json()["minutes_to_first_attempt"]["p50"]["now"] == 10


@pytest.mark.parametrize(
    ("counts", "per_cent", "found"),
    [
        ({}, 50, None),
        ({7: 1}, 90, 7),
        ({1: 1, 2: 1}, 50, 1),
        ({1: 1, 2: 1, 3: 1}, 50, 2),
        ({0: 9, 5: 1}, 90, 0),
        ({0: 8, 5: 2}, 90, 5),
        (dict.fromkeys(range(1, 201), 1), 90, 180),
    ],
)
def test_percentiles_are_by_nearest_rank(
    counts: dict[int, int], per_cent: int, found: int | None
) -> None:
    assert trends.percentile(counts, per_cent) == found


def test_what_is_rare_is_stacked_as_one(keep: Keep, open_page: Open) -> None:
    for n in range(9):
        name = "ABCDEFGHI"[n]
        keep(
            *(
                document(f"#{n}{i}", error=f"Odd {name}", document_id=f"{n}-{i}")
                for i in range(9 - n)
            )
        )
    page = open_page("/trends/?by=error&period=7d")
    head = page.root.one("table", data_chart="failed-per-day").one("thead")
    series = [th.get("data-series") for th in head.all("th", data_series=...)]  # type: ignore[arg-type]
    assert len(series) == 6 and series[-1] == "other"
    assert "4 others" in head.text
    assert page.total == 45


@pytest.mark.parametrize("path", ["/orders/", "/trends/", "/api/orders", "/api/trends"])
@pytest.mark.parametrize("query", ["at=tue-24", "at=x", "period=1y", "at=%00"])
def test_what_cannot_be_read_is_said(
    path: str, query: str, browser: Browser, ledger: object
) -> None:
    answer = browser.get(f"{path}?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.content.decode()


@pytest.mark.parametrize("query", ["by=odd", "count=odd"])
def test_so_is_what_only_trends_have(query: str, browser: Browser, ledger: object) -> None:
    assert browser.get(f"/trends/?{query}").status_code == 400
    assert browser.get(f"/api/trends?{query}").json()["errors"]
    assert Browser().get(f"/api/trends?{query}").status_code == 401


def test_an_hour_of_the_week_is_a_filter_to_be_seen_and_removed(
    open_page: Open, ledger: object
) -> None:
    at = f"{NOW:%a}-{NOW - HOUR:%H}".lower() if NOW.hour else "mon-00"
    page = open_page(f"/orders/?view=all&at={at}")
    assert page.total < 60
    chips = page.root.one("ul", class_="chips").text
    assert "Hour" in chips and ":00–" in chips


def test_empty_and_never_anything(keep: Keep, open_page: Open) -> None:
    keep()
    assert "No order has failed to import" in open_page("/trends/").html or (
        "log" in open_page("/trends/").html
    )
    keep(document("#1"))
    page = open_page("/trends/?q=zzz")
    assert page.total == 0
    assert "Nothing failed like this" in page.html


def test_what_was_not_asked_for_is_not_silent_and_not_compared(keep: Keep, open_page: Open) -> None:
    keep(*(document(f"#{n}", document_id=f"{n}", logged=NOW - n * HOUR) for n in range(22, 46)))
    SyncState.objects.update(
        loaded_at=NOW, answered_at=NOW - 20 * HOUR, failing_since=NOW - 20 * HOUR
    )
    page = open_page("/trends/?period=24h&date=failed")
    assert "were not seen" in page.html
    assert "from " not in page.root.one(data_figure="failed").text
    assert "from " not in open_page("/orders/?period=24h").root.one(data_figure="failed").text
    keep(document("#x", document_id="x", logged=NOW - 21 * HOUR))
    SyncState.objects.update(answered_at=NOW - 20.5 * HOUR)
    assert "Is the log" not in open_page("/trends/").html


def test_days_to_come_are_blank_and_not_compared(keep: Keep, open_page: Open) -> None:
    keep(document("#1"))
    seen_for(200)
    today = local(NOW).date()
    page = open_page(f"/trends/?from={today - timedelta(days=1)}&to={today + timedelta(days=3)}")
    rows = page.root.one("table", data_chart="failed-per-day").one("tbody").all("tr")
    assert ["data-unseen" in row.attributes for row in rows] == [False] * 5
    assert "were not seen" not in page.html
    assert "its last days are still to come" in page.html


def test_what_expires_is_compared_by_when_it_was_logged(keep: Keep, open_page: Open) -> None:
    keep(document("#1", logged=NOW - timedelta(days=10)))
    seen_for(100)
    page = open_page("/trends/?date=expires&period=60d")
    rows = page.root.one("table", data_chart="failed-per-day").one("tbody").all("tr")
    unseen = ["data-unseen" in row.attributes for row in rows]
    assert not any(unseen)


def test_an_hour_counts_for_attempts_too(keep: Keep, browser: Browser) -> None:
    moments = [NOW - n * HOUR for n in (1, 2, 3, 2 + 24, 4 + 7 * 24)]
    keep(*(document(f"#{m}", document_id=f"{m}", logged=m) for m in moments))
    at = f"{local(moments[1]):%a-%H}".lower()
    answer = browser.get(f"/api/trends?count=attempts&at={at}").json()
    assert answer["failed"]["now"] == 1
    assert sum(map(sum, answer["weekday_hours"])) == 1


def test_history_is_shown_once_nothing_is_left_in_the_log(keep: Keep, open_page: Open) -> None:
    keep(document("#1"))
    SyncState.objects.update(kept=0)
    assert open_page("/trends/").total == 1


@pytest.mark.parametrize("query", ["by=odd", "count=odd&q=x", "view=odd"])
def test_start_again_leads_to_a_page_that_works(
    query: str, open_page: Open, ledger: object
) -> None:
    page = open_page(f"/trends/?{query}")
    link = page.root.one(id="results").one("a", class_="button")
    assert open_page(link.get("href")).status == 200


def test_an_order_that_is_resolved_has_no_age(keep: Keep, browser: Browser) -> None:
    keep(document("#1"), document("#2"))
    FailedOrder.objects.filter(order_name="#2").update(state="resolved")
    answer = browser.get("/api/trends").json()
    assert sum(row["count"] for row in answer["open_by_age"]) == 1


def test_attempts_are_dated_by_when_they_were_logged_whatever_the_date_asked_for(
    keep: Keep, browser: Browser
) -> None:
    keep(*(document(f"#{n}", document_id=f"{n}", logged=NOW - n * HOUR) for n in range(1, 9)))
    found = [
        browser.get(f"/api/trends?count=attempts&period=7d{date}").json()["over_time"]
        for date in ("", "&date=expires")
    ]
    assert found[0] == found[1]
    assert sum(span["count"] for span in found[0]["spans"]) == 8


def test_hours_are_those_of_a_zone_that_begins_its_hours_at_half_past(
    keep: Keep, browser: Browser, settings: Any
) -> None:
    settings.TIME_ZONE = settings.DASHBOARD_TIME_ZONE = "Asia/Kolkata"
    hour = (NOW - 3 * HOUR).replace(minute=0, second=0)
    moments = [hour + timedelta(minutes=minutes) for minutes in (5, 29, 30, 55)]
    keep(*(document(f"#{m}", document_id=f"{m}", logged=m) for m in moments))
    grid = browser.get("/api/trends?count=attempts").json()["weekday_hours"]
    expected = [[0] * 24 for _ in range(7)]
    for moment in moments:
        local = moment.astimezone(ZoneInfo("Asia/Kolkata"))
        expected[local.weekday()][local.hour] += 1
    assert grid == expected


def test_what_fell_to_nothing_leads_to_what_it_was(keep: Keep, open_page: Open) -> None:
    for n in range(3):
        moment = NOW - timedelta(days=9 + n)
        keep(document(f"#{n}", logged=moment, created=moment, document_id=f"{n}", error="Odd"))
    keep(document("#9", document_id="new", error="Transaction is empty"))
    seen_for(60)
    page = open_page("/trends/?period=7d")
    for name in ("movers-errors", "by-category"):
        table = page.root.one("table", data_chart=name).one("tbody")
        (row,) = [r for r in table.all("tr") if r.all("td", data_before="3")]
        assert open_page(row.one("a").get("href")).total == 3


def test_a_week_stands_before_the_same_days_of_the_week_before(keep: Keep, open_page: Open) -> None:
    monday = local(NOW).date() - timedelta(days=local(NOW).weekday() + 14)
    for n in range(7):
        moment = datetime.combine(monday + timedelta(days=n), time(12), local(NOW).tzinfo)
        for m in range(n + 1):
            name = f"{n}.{m}"
            keep(document(name, logged=moment, created=moment, document_id=name))
    seen_for(60)
    page = open_page("/trends/?period=last_week")
    rows = page.root.one("table", data_chart="failed-per-day").one("tbody").all("tr")
    assert [row.all("td")[0].text for row in rows] == ["7", "6", "5", "4", "3", "2", "1"]
    tops = [line for line in page.root.all("line") if line.get("class") == "before-top"]
    assert len(tops) == 7


def test_a_row_that_fell_to_nothing_keeps_the_hour_asked_for(keep: Keep, open_page: Open) -> None:
    then = (NOW - timedelta(days=9)).replace(minute=5)
    for n in range(6):
        moment = then - n % 3 * HOUR
        keep(document(f"#{n}", logged=moment, created=moment - HOUR / 6, document_id=f"{n}"))
    seen_for(60)
    hour = f"{local(then):%a-%H}".lower()
    page = open_page(f"/trends/?period=7d&at={hour}")
    for name in ("by-category", "by-store", "movers-errors"):
        row = page.root.one("table", data_chart=name).one("tbody").one("tr")
        assert row.one("td", data_before="2")
        assert open_page(row.one("a").get("href")).total == 2


@pytest.mark.parametrize(
    ("waits", "words"),
    [
        ({"a": (40, 30), "b": (20, 90)}, "a waits longest: nine in ten within 40 min, 10 min more"),
        ({"a": (10, 30), "b": (20, 90)}, "b waits longest: nine in ten within 20 min, 1 h less"),
        ({"a": (10, 30), "b": (20, 20)}, "b waits longest: nine in ten within 20 min, as in the"),
        ({"a": (10, 30), "b": (20, None)}, "b waits longest: nine in ten within 20 min."),
        ({"a": (10, 30)}, ""),
        ({"a": (20, 30), "b": (20, 90)}, ""),
    ],
)
def test_which_shop_waits_longest_is_said(
    waits: dict[str, tuple[int, int | None]], words: str, keep: Keep, open_page: Open
) -> None:
    seen_for(60)
    for shop, both in waits.items():
        for week, minutes in enumerate(both):
            for n in range(10) if minutes is not None else ():
                tried = NOW - timedelta(days=7 * week + 1)
                keep(
                    document(
                        f"#{shop}{week}{n}",
                        document_id=f"{shop}{week}{n}",
                        host=f"{shop}.myshopify.com",
                        shop_id=str(ord(shop)),
                        created=tried - timedelta(minutes=minutes or 0),
                        logged=tried,
                        firstAttemptedImport=f"{tried:%B} {tried.day}, {tried:%Y %I:%M:%S %p}",
                    )
                )
    shops = open_page("/trends/?period=7d").root.one("section", aria_labelledby="h-shops")
    assert words in shops.text
    assert ("waits longest" in shops.text) == bool(words)


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [(13, 10, "+30%"), (99, 10, "+890%"), (100, 10, "× 10"), (0, 4, "−100%"), (4, 4, "0%")],
)
def test_a_change_is_in_per_cent_or_in_times(now: int, before: int, words: str) -> None:
    assert Row("k", "K", now, before, "").change_words == words


def test_errors_that_moved_say_what_errors_say_of_them(keep: Keep, open_page: Open) -> None:
    seen_for(60)
    told = {
        "Connection timeout": ((2,) * 20 + (9,) * 5, "worse"),
        "Deadlock found": ((2,) * 4, "new"),
        "Order item type not exist": ((2,) * 3 + (40,), "back"),
        "Transaction is empty": ((2,) * 8 + (9,) * 5, ""),
    }
    for error, (ages, _) in told.items():
        for n, age in enumerate(ages):
            moment = NOW - timedelta(days=age)
            dates = {"created": moment, "logged": moment}
            keep(document(f"#{error[:4]}{n}", document_id=f"{error[:4]}{n}", error=error, **dates))
    moved = open_page("/trends/?period=7d").root.one("table", data_chart="movers-errors")
    listed = open_page("/errors/?period=7d").root
    found = {}
    for row in moved.one("tbody").all("tr"):
        (same,) = listed.all("tr", data_slug=row.get("data-key"))
        marks = [mark.get("data-label") for mark in row.all("span", data_label=...)]  # type: ignore[arg-type]
        assert marks == [mark.get("data-label") for mark in same.all("span", data_label=...)]  # type: ignore[arg-type]
        title = same.one("th", data_column="error").one("a").get("title")
        found[title] = "".join(marks)
    assert found == {error: label for error, (_, label) in told.items()}


def test_an_order_of_the_last_day_is_none_of_the_day_before(
    keep: Keep, open_page: Open, browser: Browser
) -> None:
    minutes = (23 * 60 + 40, 24 * 60 + 20, 47 * 60 + 40, 48 * 60 + 20)
    for n, age in enumerate(timedelta(minutes=m) for m in minutes):
        moment = NOW - age
        keep(document(f"#{n}", logged=moment, created=moment - HOUR / 6, document_id=f"{n}"))
    seen_for(60)
    assert open_page("/trends/?period=24h").total == 1
    spans = browser.get("/api/trends?period=24h").json()["over_time"]["spans"]
    assert sum(span["count"] for span in spans) == 1
    assert sum(span["before"] for span in spans) == 2
