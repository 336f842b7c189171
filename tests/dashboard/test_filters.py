"""Every parameter of the list's query string, counted against the raw documents."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client as Browser

from reconciler.ledger.models import FailedOrder, ShopHost, SignatureAlias
from reconciler.ledger.work import triage
from tests.clock import NOW, day, days_ago
from tests.dashboard.conftest import Open, latest, slug
from tests.makers import document

Raws = list[dict[str, Any]]
Keep = Callable[..., None]
FIRST, LAST = days_ago(20), days_ago(10)


def expect(ledger: Raws, keep_it: Callable[[dict[str, Any]], bool]) -> list[str]:
    return sorted(r["shopifyOrderName"] for r in latest(ledger).values() if keep_it(r))


def logged(raw: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(raw["timestamp"].replace("Z", "+00:00"))


def created(raw: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(int(raw["orderCreatedDate"]) / 1000, UTC)


def passing(raw: dict[str, Any]) -> bool:
    return "Deadlock" in raw["errorMessage"] or raw["errorMessage"] == "Connection timeout"


FILTERS: list[tuple[str, Callable[[dict[str, Any]], bool]]] = [
    ("", lambda r: True),
    ("view=all", lambda r: True),
    ("q=error+a", lambda r: "Error A" in r["errorMessage"]),
    ("q=%231007", lambda r: r["shopifyOrderName"] == "#1007"),
    (f"error={slug('Error A at row 1')}", lambda r: "Error A" in r["errorMessage"]),
    (f"error=!{slug('Error A at row 1')}", lambda r: "Error A" not in r["errorMessage"]),
    (
        f"error={slug('Error A at row 1')}&error={slug('Error B at row 1')}",
        lambda r: r["errorMessage"][:7] in ("Error A", "Error B"),
    ),
    ("shop=a.myshopify.com", lambda r: "//a." in r["site"]),
    (
        "shop=A.MyShopify.com&shop=www.c.com",
        lambda r: "//a." in r["site"] or "//www.c" in r["site"],
    ),
    ("shop=!a.myshopify.com", lambda r: "//a." not in r["site"]),
    ("shop=nobody.example", lambda r: False),
    ("error=000000000000", lambda r: False),
    ("period=24h", lambda r: NOW - logged(r) < timedelta(hours=24)),
    ("period=7d", lambda r: day(logged(r)) > days_ago(7)),
    ("period=30d", lambda r: day(logged(r)) > days_ago(30)),
    ("period=30d&date=created", lambda r: day(created(r)) > days_ago(30)),
    (f"from={FIRST}&to={LAST}", lambda r: FIRST <= day(logged(r)) <= LAST),
    (f"from={FIRST}&to={FIRST}", lambda r: day(logged(r)) == FIRST),
    (f"from={FIRST}&period=24h", lambda r: day(logged(r)) >= FIRST),
    (f"to={LAST}", lambda r: day(logged(r)) <= LAST),
    (
        "date=expires&period=30d",
        lambda r: day(NOW) <= day(logged(r) + timedelta(days=60)) < days_ago(-30),
    ),
    ("order=1007", lambda r: r["shopifyOrderName"] == "#1007"),
    ("order=1007,%231009%0A1010", lambda r: r["shopifyOrderName"] in ("#1007", "#1009", "#1010")),
    ("q=&view=&error=&shop=&from=&to=&period=&page=&sort=", lambda r: True),
    ("unknown=1&nothing=%00", lambda r: True),
    ("page=abc&page=1", lambda r: True),
    ("view=failing", lambda r: r["document-id"] in ("again5",)),
    ("view=expiring", lambda r: logged(r) + timedelta(days=60) < NOW + timedelta(days=7)),
    ("view=needs", lambda r: not passing(r) or r["document-id"] == "again5"),
    ("category=mapping", lambda r: "Product not" in r["errorMessage"]),
    ("category=!mapping", lambda r: "Product not" not in r["errorMessage"]),
    ("category=database&category=connection", passing),
    ("category=mapping&retry=yes", lambda r: False),
    ("category=payment", lambda r: False),
    ("retry=yes", passing),
    ("retry=!yes", lambda r: not passing(r)),
    ("retry=after_fix", lambda r: "Product not" in r["errorMessage"]),
    ("state=open", lambda r: True),
    ("state=resolved", lambda r: False),
    ("state=!open", lambda r: False),
]


@pytest.mark.parametrize(("query", "keep_it"), FILTERS)
def test_a_filter_finds_what_the_raw_documents_say(
    query: str, keep_it: Callable[[dict[str, Any]], bool], open_page: Open, ledger: Raws
) -> None:
    page = open_page(f"/orders/?per_page=200&{query}")
    expected = expect(ledger, keep_it)
    assert page.status == 200
    assert sorted(page.names) == expected
    assert page.total == len(expected)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("view=mine2", "view"),
        ("category=mappings", "category"),
        ("retry=!maybe", "retry"),
        ("date=later", "date"),
        ("period=8d", "period"),
        ("sort=colour", "sort"),
        ("sort=--failed", "sort"),
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=1.5", "page"),
        ("page=two", "page"),
        ("per_page=7", "per_page"),
        ("from=2026-11-31", "from"),
        ("from=31.11.2026", "from"),
        ("to=2026-1-5", "to"),
        ("to=0000-01-01", "to"),
        ("from=2026-11-20&to=2026-11-19", "to"),
        ("q=%00", "q"),
        ("order=%00", "order"),
        ("error=%00", "error"),
        ("shop=a%00", "shop"),
        ("from=2026-11-1%00", "from"),
        ("state=lost", "state"),
        (f"q={'x' * 501}", "q"),
        (f"error={'x' * 201}", "error"),
        (f"shop=a.b&shop={'x' * 201}", "shop"),
        (f"from={'2' * 201}", "from"),
        (f"order={','.join(str(n) for n in range(1001))}", "order"),
    ],
)
def test_a_value_that_cannot_be_read_is_told_beside_its_field(
    query: str, field: str, open_page: Open, ledger: Raws
) -> None:
    page = open_page(f"/orders/?q=kept&{query}" if field != "q" else f"/orders/?{query}")
    assert page.status == 400
    assert page.root.one(id_=f"{field}-error").text
    assert not page.root.all(data_total=...)  # type: ignore[arg-type]
    if field != "q":
        assert page.root.one("input", id_="q").get("value") == "kept"


@pytest.mark.parametrize(
    ("day", "words"),
    [
        ("2026-02-31", "February 2026 has 28 days. Write a day as 2026-02-28."),
        ("2028-02-30", "February 2028 has 29 days. Write a day as 2028-02-29."),
        ("2026-11-31", "November has 30 days. Write a day as 2026-11-30."),
        ("2026-13-01", "There is no such day. Write a day as 2026-11-30."),
        ("2026-00-01", "There is no such day. Write a day as 2026-11-30."),
        ("2026-11-00", "There is no such day. Write a day as 2026-11-30."),
        ("0000-11-01", "There is no such day. Write a day as 2026-11-30."),
    ],
)
def test_the_message_says_what_would_be_right(day: str, words: str, open_page: Open) -> None:
    assert open_page(f"/orders/?from={day}").root.one(id_="from-error").text == words


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_ends_of_the_calendar_are_days_too(day: str, open_page: Open, ledger: Raws) -> None:
    assert open_page(f"/orders/?from={day}").status == 200
    assert open_page(f"/orders/?to={day}").status == 200


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"])
def test_days_are_days_of_the_dashboards_zone(
    zone: str, open_page: Open, ledger: Raws, settings: Any
) -> None:
    from zoneinfo import ZoneInfo

    settings.TIME_ZONE = zone
    counted = Counter(
        f"{logged(r).astimezone(ZoneInfo(zone)):%Y-%m-%d}" for r in latest(ledger).values()
    )
    for name, count in list(counted.items())[:12]:
        assert open_page(f"/orders/?from={name}&to={name}").total == count


def test_a_day_of_25_hours_has_all_its_orders(open_page: Open, keep: Keep, settings: Any) -> None:
    settings.TIME_ZONE = "America/New_York"
    for hour in range(30):  # 1 November 2026: 04:00 UTC to 05:00 UTC on the 2nd
        moment = datetime(2026, 11, 1, 0, 30, tzinfo=UTC) + timedelta(hours=hour)
        keep(document(f"#{hour}", logged=moment))
    page = open_page("/orders/?from=2026-11-01&to=2026-11-01&per_page=200")
    assert sorted(int(n[1:]) for n in page.names) == list(range(4, 29))


@pytest.mark.parametrize(
    "query", [f"error={'x' * 8_000}", f"q={'x' * 8_000}", "&".join(["shop=a.b"] * 201)]
)
@pytest.mark.parametrize("path", ["/orders/", "/errors/", "/trends/", "/orders/export.csv"])
def test_too_much_is_told_in_one_sentence_and_not_repeated(
    path: str, query: str, open_page: Open, ledger: Raws
) -> None:
    page = open_page(f"{path}?{query}")
    assert page.status == 400
    assert "At most" in page.html
    assert "xxxxx" not in page.html
    assert len(page.html) < 60_000


@pytest.mark.parametrize("path", ["/orders/", "/trends/", "/orders/1/", "/nowhere/", "/login/"])
def test_an_address_longer_than_any_link_is_refused_in_words(
    path: str, browser: Browser, quiet: None
) -> None:
    query = f"?error={'x' * 1_000_000}"
    page = browser.get(path + query)
    assert page.status_code == 414
    assert "This address is too long" in page.content.decode()
    assert "xxxxx" not in page.content.decode()
    fragment = browser.get(path + query, headers={"HX-Request": "true"})
    assert fragment.status_code == 414
    assert "<html" not in fragment.content.decode()
    assert browser.get("/api/orders" + query).json()["error"] == "This address is too long"


@pytest.mark.parametrize("query", [f"error={'x' * 201}", "&".join(["shop=a.b"] * 201)])
def test_too_much_is_told_to_programs_too(query: str, browser: Browser, quiet: None) -> None:
    for path in ("/api/orders", "/api/trends"):
        response = browser.get(f"{path}?{query}")
        assert response.status_code == 400
        assert "At most" in response.content.decode()


def test_two_hundred_values_are_understood(open_page: Open, ledger: Raws) -> None:
    page = open_page("/orders/?" + "&".join(f"shop=s{n}.example" for n in range(200)))
    assert (page.status, page.total) == (200, 0)
    assert len(page.html) < 2_100_000


@pytest.mark.parametrize("sign", ["", "!"])
@pytest.mark.parametrize(
    ("name", "written", "as_the_facet_has_it"),
    [
        ("assignee", "me", "agent"),
        ("shop", "WWW.A.COM", "a.myshopify.com"),
        ("shop", "A.myshopify.com", "a.myshopify.com"),
        ("error", "0123456789ab", "the signature's slug"),
        # In several ways at once.
        ("assignee", "me&assignee={sign}agent", "agent"),
        (
            "shop",
            "www.a.com&shop={sign}a.myshopify.com&shop={sign}A.MYSHOPIFY.COM&shop={sign}WWW.A.COM",
            "a.myshopify.com",
        ),
    ],
)
def test_a_value_that_is_written_otherwise_is_chosen_in_its_facet(
    sign: str, name: str, written: str, as_the_facet_has_it: str, keep: Keep, open_page: Open
) -> None:
    keep(
        document("#1", document_id="d1", host="a.myshopify.com"),
        document("#2", document_id="d2", host="c.myshopify.com", shop_id="70000000002"),
        document(
            "#3", document_id="d3", host="b.myshopify.com", shop_id="70000000001", error="Deadlock"
        ),
    )
    first = FailedOrder.objects.get(order_name="#1")
    triage.assign([first.pk], "agent", "agent", NOW)
    ShopHost.objects.create(shop=first.shop, host="www.a.com")
    SignatureAlias.objects.create(slug="0123456789ab", signature=first.signature)
    value = first.signature.slug if name == "error" else as_the_facet_has_it
    page = open_page(f"/orders/?view=all&{name}={sign}{written.format(sign=sign)}")
    chosen = page.root.one("section", data_facet=name).one("a", data_value=value)
    assert "is-out" if sign else "is-on" in chosen.get("class").split()
    both = [chosen, page.root.one("a", id_=f"facet-{name}-not-{value}")]
    ways = [open_page(link.get("href")) for link in both]
    # The one takes back what is chosen, the other turns it round.
    assert sorted(way.total for way in ways) == sorted([3, 3 - page.total])
