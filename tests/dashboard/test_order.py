"""The page of one order: what happened, all of it, and the way back into the list."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser

from reconciler.demo.server import Demo
from reconciler.ledger.models import FailedOrder, SyncState
from tests.clock import NOW, local
from tests.dashboard.conftest import Open, Page
from tests.makers import document

Keep = Callable[..., None]


def pk_of(name: str) -> int:
    return FailedOrder.objects.get(order_name=name).pk


@pytest.fixture
def tried(keep: Keep) -> dict[str, Any]:
    created = NOW - timedelta(days=2)
    raw = document(
        "#77",
        document_id="t1",
        created=created,
        logged=NOW - timedelta(hours=30),
        error="Deadlock found 7\nwhen trying",
        tags=["a", {"b": "https://x.y/?key=s3cret"}],
    )
    keep(
        raw,
        document(
            "#77",
            document_id="t2",
            created=created,
            logged=NOW - timedelta(hours=5),
            error="Product not exist",
        ),
        document(
            "#77",
            document_id="t2",
            created=created,
            logged=NOW - timedelta(hours=1),
            error="Product not exist",
        ),
        document("#78", logged=NOW - timedelta(hours=3), error="Product not exist"),
    )
    return raw


def test_the_sentence_says_what_happened(open_page: Open, tried: Any) -> None:
    page = open_page(f"/orders/{pk_of('#77')}/")
    sentence = page.root.one("p", class_="now__why").text
    assert sentence.startswith("Placed on ")
    began = local(NOW - timedelta(hours=30))
    days = (local(NOW).date() - began.date()).days
    since = "yesterday" if days == 1 else f"{began.day} {began:%b}"
    assert f"#77 has failed to import three times since {since} at {began:%H:%M}" in sentence
    assert "It stays in HotWax’s log for 59 more days" in sentence


def test_the_error_is_shown_in_full_and_every_attempt_stands_in_the_timeline(
    open_page: Open, tried: Any
) -> None:
    page = open_page(f"/orders/{pk_of('#77')}/")
    assert page.root.one("pre", id_="error-text").text == "Product not exist"
    entries = [li.text for li in page.root.one("ol", class_="timeline").all("li")]
    titles = [
        "Created in Shopify",
        "First import attempted",
        "Attempt 1 failed",
        "Attempt 2 failed",
        "Attempt 3 failed",
        "Leaves HotWax’s log",
    ]
    assert len(entries) == len(titles)
    for entry, title in zip(entries, titles, strict=True):
        assert title in entry
    assert "+10 min" in entries[1]
    assert "+4 h" in entries[4]
    assert "the same error" in entries[4]
    assert "in 59 d" in entries[5]


def test_each_attempts_document_can_be_seen_with_its_key_hidden(
    open_page: Open, tried: dict[str, Any]
) -> None:
    page = open_page(f"/orders/{pk_of('#77')}/")
    links = [a for a in page.root.all("a") if "attempt=" in a.get("href")]
    assert len(links) == 3
    first = open_page(f"/orders/{pk_of('#77')}/{links[0].get('href').split('#')[0]}")
    fields = {
        dt.text: dd.text
        for dt, dd in zip(
            first.root.one("dl").all("dt"), first.root.one("dl").all("dd"), strict=True
        )
    }
    assert set(fields) == set(tried)
    assert fields["tags"] == '["a", {"b": "https://x.y/?key=•••"}] unknown field, kept'
    assert "key=•••" in fields["site"]
    assert "read as" in fields["orderCreatedDate"]
    assert "no zone; read as UTC" in fields["firstAttemptedImport"]
    copied = json.loads(first.root.one("pre", id_="raw-json").text)
    assert copied["document-id"] == "t1"
    hrefs = {a.get("href") for a in first.root.all("a")}
    assert tried["site"] in hrefs
    assert first.html.replace(tried["site"].replace("&", "&amp;"), "").count("s3cret") == 0


def test_the_links_lead_to_shopify_and_hotwax(
    open_page: Open, tried: dict[str, Any], settings: Any
) -> None:
    settings.HOTWAX_URL = "https://demo-oms.hotwax.io"
    SyncState.objects.update(instance="https://demo-oms.hotwax.io logInsights SHOPIFY_ORDER")
    page = open_page(f"/orders/{pk_of('#77')}/")
    links = page.root.one("section", aria_labelledby="h-links").all("a")
    assert [a.get("href") for a in links] == [
        tried["site"],
        "https://admin.shopify.com/store/hc-demo/orders?query=%2377",
        "https://demo-oms.hotwax.io/commerce/control/ShopifyImportData?configId=CRT_SHOPIFY_ORDER",
    ]
    assert {a.get("rel") for a in links} == {"noreferrer noopener"}


def test_a_site_that_is_no_address_is_plain_text(open_page: Open, keep: Keep) -> None:
    keep(document("#1", site="javascript:alert(1)"))
    page = open_page(f"/orders/{pk_of('#1')}/")
    assert page.root.one(data_link="shopify").tag == "span"
    assert page.root.one(data_link="shopify").text == "javascript:alert(1)"


def test_other_orders_with_the_same_error_are_one_click_away(open_page: Open, tried: Any) -> None:
    page = open_page(f"/orders/{pk_of('#77')}/")
    others = page.root.one("section", aria_labelledby="h-other")
    assert [a.text for a in others.all("a")] == ["#78", "All 2 orders"]
    assert open_page(others.all("a")[1].get("href")).total == 2


def test_a_negative_lag_says_that_the_zone_looks_wrong(open_page: Open, keep: Keep) -> None:
    created = NOW - timedelta(hours=9)
    early = created - timedelta(hours=4, minutes=22)
    keep(
        document(
            "#1",
            created=created,
            firstAttemptedImport=f"{early:%B} {early.day}, {early:%Y %I:%M:%S %p}",
        )
    )
    page = open_page(f"/orders/{pk_of('#1')}/")
    note = page.root.one("p", role="note").text
    assert "HOTWAX_TIME_ZONE looks wrong" in note
    assert "4 h 22 min before" in note
    assert "−4 h 22 min" in page.root.one("ol", class_="timeline").text


def test_what_could_not_be_read_is_said(open_page: Open, keep: Keep) -> None:
    keep(document("#1", orderCreatedDate="yesterday", timestamp="later"))
    page = open_page(f"/orders/{pk_of('#1')}/")
    assert "orderCreatedDate “yesterday” is no date" in page.root.one("ul", class_="problems").text
    assert "no timestamp" in page.root.one("ol", class_="timeline").text


def test_an_order_that_left_the_log_says_so(open_page: Open, keep: Keep) -> None:
    keep(document("#1"))
    FailedOrder.objects.update(left_log_at=NOW, left_log_reason="expired")
    page = open_page(f"/orders/{pk_of('#1')}/")
    assert "no longer holds it" in page.root.one("p", class_="now__why").text


SORTS = [
    "-failed",
    "failed",
    "order",
    "-order",
    "attempts",
    "-created",
    "shop",
    "error",
    "-expires",
]


@pytest.mark.parametrize("sort", SORTS)
def test_previous_and_next_walk_through_the_list_as_it_is_sorted(
    sort: str, open_page: Open, ledger: Any
) -> None:
    query = f"q=error&shop=a.myshopify.com&shop=hc-demo.myshopify.com&sort={sort}"
    listed = open_page(f"/orders/?{query}&per_page=200")
    rows = listed.root.all("tr", data_order_id=...)  # type: ignore[arg-type]
    ids = [row.get("data-order-id") for row in rows]
    url = rows[0].one("a", class_="order-name").get("href")
    walked = []
    for place in range(1, len(ids) + 1):
        page = open_page(url)
        walked.append(url.split("/")[2])
        assert page.root.one("span", class_="crumbs__place").text.startswith(
            f"{place} of {len(ids)}"
        )
        back = page.root.all("a", rel="prev")
        assert [a.get("href").split("/")[2] for a in back] == walked[-2:-1]
        following = page.root.all("a", rel="next")
        if following:
            url = following[0].get("href")
    assert walked == ids


def test_the_neighbours_stay_after_the_order_left_the_list(open_page: Open, ledger: Any) -> None:
    ids = [
        r.get("data-order-id")
        for r in open_page("/orders/?view=open").root.all("tr", data_order_id=...)
    ]  # type: ignore[arg-type]
    FailedOrder.objects.filter(pk=ids[5]).update(state="resolved")
    page = open_page(f"/orders/{ids[5]}/?view=open")
    assert "not in this list any more" in page.html
    assert f"/orders/{ids[4]}/" in page.root.one("a", rel="prev").get("href")
    assert f"/orders/{ids[6]}/" in page.root.one("a", rel="next").get("href")


def test_a_list_that_cannot_be_read_does_not_take_the_order_away(
    open_page: Open, tried: Any
) -> None:
    assert open_page(f"/orders/{pk_of('#77')}/?period=8d").status == 200


@pytest.mark.parametrize("pk", ["0", "999999", "99999999999999999999999"])
def test_an_order_that_does_not_exist_is_a_404(pk: str, open_page: Open) -> None:
    assert open_page(f"/orders/{pk}/").status == 404


def test_asking_now_tells_what_came_back_and_keeps_the_list(
    browser: Browser, demo: Demo, db: None
) -> None:
    browser.get("/orders/")
    order = FailedOrder.objects.first()
    assert order is not None
    form = Page(browser.get(f"/orders/{order.pk}/?q=x")).root.one("form", class_="note-form")
    assert form.get("action") == f"/orders/{order.pk}/ask/?q=x"
    assert form.one("button").text == "Ask HotWax now"
    assert browser.get(form.get("action"))["Location"] == f"/orders/{order.pk}/?q=x"
    answer = browser.post(form.get("action"))
    assert (answer.status_code, answer["Location"]) == (302, f"/orders/{order.pk}/?q=x")
    assert "HotWax answered" in browser.get(answer["Location"]).content.decode()
    demo.shutdown()
    demo.server_close()
    told = browser.post(form.get("action"), follow=True).content.decode()
    assert "HotWax gave no answer" in told
    assert "refuses the connection" in told


def test_a_page_draws_a_hundred_attempts_and_leads_to_the_rest(
    browser: Browser, keep: Keep
) -> None:
    for n in range(251):
        logged = NOW - timedelta(minutes=300 - n)
        keep(document("#many", document_id=f"m{n}", logged=logged, error=f"Error {n}" * 50))
    url = f"/orders/{pk_of('#many')}/"
    seen: list[str] = []
    for number in (1, 2, 3):
        page = Page(browser.get(f"{url}?view=all&attempts={number}"))
        texts = [b.text for b in page.root.one("ol", class_="timeline").all("b")]
        seen = [text for text in texts if text.startswith("Attempt ")] + seen
        assert len(page.html) < 400_000
        assert "Error 250" in page.root.one("pre", id_="error-text").text  # the latest
        assert ("Created in Shopify" in texts) == (number == 3)
        assert ("Leaves HotWax’s log" in texts) == (number == 1)
    assert seen == [f"Attempt {n} failed" for n in range(1, 252)]
    first = Page(browser.get(url))
    link = first.root.one("a", rel="next")
    assert "Attempts 152 to 251 of 251" in first.root.one(id_="h-time").parent.parent.text  # type: ignore[union-attr]
    assert Page(browser.get(url + link.get("href"))).root.all("a", rel="prev")


def test_the_document_of_any_attempt_can_be_seen(browser: Browser, keep: Keep) -> None:
    for n in range(103):
        logged = NOW - timedelta(minutes=300 - n)
        keep(document("#many", document_id=f"m{n}", logged=logged))
    oldest = FailedOrder.objects.get(order_name="#many").attempts.order_by("logged_key")[0]
    url = f"/orders/{pk_of('#many')}/?attempt="
    assert "m0" in Page(browser.get(f"{url}{oldest.pk}")).root.one(id_="raw").text
    second = Page(browser.get(f"/orders/{oldest.order_id}/?view=all&attempts=2"))
    document_link = second.root.one("ol", class_="timeline").all("a")[0]
    assert document_link.get("href") == f"?view=all&attempts=2&attempt={oldest.pk}#raw"
    for odd in ("x", "²", "9" * 30, "-1"):
        assert browser.get(f"{url}{odd}").status_code == 200
