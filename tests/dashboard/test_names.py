"""Orders found by what people type and paste: names by POST, and words on the screen."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client as Browser

from dashboard.models import PastedList
from reconciler.ledger.models import FailedOrder
from tests.clock import NOW
from tests.dashboard.conftest import Open, Page, rows_of
from tests.makers import document

Raws = list[dict[str, Any]]
Keep = Callable[..., None]


def paste(browser: Browser, text: str, query: str = "", page: str = "orders") -> Any:
    return browser.post(f"/orders/names/?{query}", {"order": text, "page": page})


def test_a_few_pasted_names_stand_in_the_address(browser: Browser, ledger: Raws) -> None:
    answer = paste(browser, "#1001\n 1002, #1003 ", "shop=a.myshopify.com&order=x&page=3")
    assert (answer.status_code, answer["Location"]) == (
        302,
        "/orders/?order=%231001%2C1002%2C%231003&shop=a.myshopify.com",
    )


def test_many_pasted_names_lead_to_a_short_address_that_holds_them(
    browser: Browser, open_page: Open, keep: Keep
) -> None:
    kept = [f"#{n}" for n in range(5000, 5100)]
    keep(*(document(name) for name in kept))
    others = [f"MISSING-{'X' * 40}-{n}" for n in range(900)]
    answer = paste(browser, "\n".join([*others, *kept]), "view=all")
    assert len(answer["Location"]) < 60
    page = open_page(answer["Location"])
    assert page.total == 100
    asked = [e.get("data-asked-name") for e in page.root.all("li", data_asked_name=...)]  # type: ignore[arg-type]
    assert asked == [*others, *kept]
    assert page.root.one("textarea", id_="order").text.split() == asked
    assert "1,000 names" in page.root.one("span", class_="chip__value").text
    assert rows_of(browser, answer["Location"].partition("/orders/")[2])[2] == ["Rows", "100"]
    api = browser.get("/api" + answer["Location"].replace("/orders/", "/orders"))
    assert api.json()["total"] == 100
    (remove,) = page.root.all("a", class_="chip__remove")
    assert remove.get("href") == "/orders/?view=all"
    for list_page in ("errors", "trends"):
        there = paste(browser, "\n".join([*others, *kept]), page=list_page)["Location"]
        assert there.startswith(f"/{list_page}/?pasted=")
        assert browser.get(there).status_code == 200


MANY = ",".join(str(n) for n in range(1001))


@pytest.mark.parametrize(
    ("text", "words", "kept"),
    [
        ("x" * 65_537, "At most 65,536 characters.", ""),
        (MANY, "At most 1,000 names at a time; these are 1,001.", MANY),
        ("a\x00b", "Null characters are not allowed.", "a\ufffdb"),
        (f"{MANY},https://a.b/?key=s3cret", "these are 1,002.", f"{MANY},https://a.b/?key=•••"),
    ],
)
def test_names_that_are_too_many_are_told_beside_their_field_and_kept_in_it(
    text: str, words: str, kept: str, browser: Browser, ledger: Raws
) -> None:
    page = Page(paste(browser, text, "q=kept"))
    assert page.status == 400
    assert page.root.one(id_="order-error").text.endswith(words)
    assert page.root.one("textarea", id_="order").text == kept
    assert page.root.one("input", id_="q").get("value") == "kept"
    assert len(page.html) < 60_000


def test_whoever_comes_back_to_the_address_of_a_paste_gets_the_list(browser: Browser) -> None:
    assert browser.get("/orders/names/?q=kept&page=2")["Location"] == "/orders/?q=kept&page=2"
    assert browser.head("/orders/names/").status_code == 302


def test_a_list_that_is_not_kept_is_told(open_page: Open, ledger: Raws) -> None:
    page = open_page("/orders/?pasted=0123456789ab")
    assert page.status == 400
    assert "Paste the names again" in page.root.one(id_="pasted-error").text


def test_the_latest_thousand_lists_are_kept(browser: Browser, ledger: Raws) -> None:
    PastedList.objects.bulk_create(
        PastedList(slug=f"{n:012x}", names="#1", pasted_at=NOW - timedelta(days=2000 - n))
        for n in range(1000)
    )
    paste(browser, "\n".join(f"#{'9' * 20}{n}" for n in range(100)))
    assert PastedList.objects.count() == 1000
    assert not PastedList.objects.filter(slug="0" * 12).exists()


def test_a_viewer_without_a_session_pastes_nothing(client: Browser, db: None) -> None:
    assert paste(client, "#1")["Location"].startswith("/login/")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("not in the OMS", ["#1"]),  # the plain sentence
        ("NOT IN THE oms", ["#1"]),
        ("sku a-1", ["#1"]),  # the error itself
        ("#2", ["#2"]),
        ("harbor", ["#3"]),  # the shop
        ("HARBOR.myshopify", ["#3"]),
        ("lune-old", ["#2", "#4"]),  # any host that the shop was seen under
        ("100%_", []),
    ],
)
def test_text_is_found_in_whatever_the_row_says(
    text: str, names: list[str], open_page: Open, keep: Keep
) -> None:
    keep(
        document("#1", error="Product not found for SKU A-1", document_id="1"),
        document("#2", error="Oh no", host="lune-old.myshopify.com", shop_id="7", document_id="2"),
        document("#3", error="Oh dear", host="harbor.myshopify.com", shop_id="8", document_id="3"),
        document("#4", error="Oh my", host="lune.myshopify.com", shop_id="7", document_id="4"),
    )
    page = open_page(f"/orders/?q={quote(text)}")
    assert sorted(page.names) == names
    errors = open_page(f"/errors/?q={quote(text)}")
    assert len(errors.root.all("tr", data_slug=...)) == len(names)  # type: ignore[arg-type]


def test_the_row_holds_its_plain_sentence(open_page: Open, keep: Keep) -> None:
    keep(document("#1", error="Product not found for SKU A-1"))
    sentence = open_page("/orders/").root.one("tr", data_order_name="#1").one(data_sentence=...)  # type: ignore[arg-type]
    assert sentence.text == "The product is not in the OMS yet"


@pytest.mark.parametrize(
    "pasted",
    [
        "#7752;#7753",
        '"#7752", "#7753"',
        "#7752. #7753.",
        "(#7752)\t[#7753]",
        "> #7752\n> #7753",
        "“#7752” «#7753»",
        "'#7752';'#7753';",
    ],
)
def test_names_are_read_as_people_paste_them(
    pasted: str, browser: Browser, open_page: Open, keep: Keep
) -> None:
    keep(*(document(f"#{n}", document_id=f"d{n}") for n in (7752, 7753, 7754)))
    for url in (f"/orders/?order={quote(pasted)}", paste(browser, pasted)["Location"]):
        page = open_page(url)
        assert sorted(page.names) == ["#7752", "#7753"]
        asked = [e.get("data-asked-name") for e in page.root.all("li", data_asked_name=...)]  # type: ignore[arg-type]
        assert asked == ["#7752", "#7753"]


@pytest.fixture
def named(keep: Keep) -> None:
    keep(document("LUNE#3800"), document("#1001"), document("EXC-77"), document("#12", host="b.x"))
    keep(document("#HH88119"))
    keep(document("#12", host="a.x"))


def answer_of(page: Page, name: str) -> Any:
    return page.root.one("li", data_asked_name=name)


@pytest.mark.parametrize(
    ("asked", "offered"),
    [
        ("lune3800", ["LUNE#3800"]),
        ("LUNE-3800", ["LUNE#3800"]),
        ("exc77", ["EXC-77"]),
        ("#exc#77", ["EXC-77"]),
        # People leave out the letters before a number.
        ("88119", ["#HH88119"]),
        ("#77", ["EXC-77"]),
        ("8119", []),
        ("hh8119", []),
        ("lune38001", []),
        ("lun3800", []),
        ("une3800", []),
        ("---", []),
    ],
)
def test_names_the_same_in_letters_and_digits_are_offered(
    named: None, open_page: Open, asked: str, offered: list[str]
) -> None:
    page = open_page(f"/orders/?order={quote(asked)}")
    found = answer_of(page, asked)
    assert (found.get("data-answer") == "similar") == bool(offered)
    links = [link for link in found.all("a") if link.get("href").startswith("/orders/")]
    assert [link.text for link in links] == offered
    assert page.names == []
    for link in links:
        assert link.text in open_page(link.get("href")).html


def test_an_answer_leads_to_its_order(named: None, open_page: Open) -> None:
    found = answer_of(open_page("/orders/?order=1001,3800"), "3800")
    assert found.get("data-answer") == "found"
    assert "LUNE#3800" in open_page(found.one("a").get("href")).html


def test_the_look_up_opens_the_one_order_that_it_finds(named: None, browser: Browser) -> None:
    form = Page(browser.get("/status/")).root.one("form", role="search")
    sent = {field.get("name"): field.get("value") for field in form.all("input")}
    assert sent == {"open": "1", "order": ""}
    answer = browser.get(form.get("action"), sent | {"order": "#3800;"})
    assert answer.status_code == 302
    assert "LUNE#3800" in browser.get(answer["Location"]).content.decode()
    # Two shops have a #12; a list of names and a name without failure have nothing to open.
    for names in ("#12", "1001 3800", "#88888", "lune3800", "", "x" * 600):
        assert browser.get(form.get("action"), sent | {"order": names}).status_code in (200, 400)
    assert browser.get("/orders/?order=3800").status_code == 200


def test_a_name_without_a_failure_is_searched_in_shopify(named: None, open_page: Open) -> None:
    found = answer_of(open_page("/orders/?order=%2388888"), "#88888")
    (link,) = found.all("a")
    assert link.get("href").endswith("/orders?query=%2388888")


def test_many_names_are_folded_and_the_missing_are_copied(keep: Keep, open_page: Open) -> None:
    keep(*(document(f"#{n}") for n in range(100, 108)))
    page = open_page("/orders/?order=" + ",".join(["7001", *map(str, range(100, 108)), "7002"]))
    assert page.root.one("pre", id="missing-names").text.split() == ["7001", "7002"]
    assert "8" in page.root.one("label", for_="all-names").text
    few = open_page("/orders/?order=100,101,7001")
    assert not few.root.all("label", for_="all-names")


def test_a_key_among_pasted_names_is_not_repeated(browser: Browser, ledger: Raws) -> None:
    answer = paste(browser, "#1001 https://a.myshopify.com/1/orders/x?key=0ther-k3y")
    assert "0ther-k3y" not in answer["Location"]
    page = browser.get(answer["Location"]).content.decode()
    assert "0ther-k3y" not in page and "#1001" in page


TOKEN = "a1b2c3d4e5f60718293a4b5c6d7e8f90"


@pytest.mark.parametrize(
    ("pasted", "found"),
    [
        (f"https://a.myshopify.com/1/orders/{TOKEN}", True),
        (f"https://a.myshopify.com/1/orders/{TOKEN}/authenticate?key=s3cret", True),
        (f"  https://A.myshopify.com/1/orders/{TOKEN}?key=s3cret&x=1#top ", True),
        (f"a.myshopify.com/1/orders/{TOKEN}/authenticate?key=s3cret", True),
        (f"see <https://a.myshopify.com/1/orders/{TOKEN}?key=s3cret>", True),
        # A domain that no shop had before.
        (f"https://shop.example.com/1/orders/{TOKEN}", True),
        # Another shop that is known.
        (f"https://b.myshopify.com/1/orders/{TOKEN}?key=s3cret", False),
        (f"https://a.myshopify.com/1/orders/{TOKEN[::-1]}?key=s3cret", False),
        ("https://a.myshopify.com/1/orders?key=s3cret", False),
        ("https://admin.shopify.com/store/a/orders/77?key=s3cret", False),
        ("https://evil.example/x#key=s3cret", False),
        ("shop.example/authenticate?key=s3cret", False),
    ],
)
def test_the_look_up_finds_an_order_by_its_page_in_shopify(
    pasted: str, found: bool, browser: Browser, keep: Keep
) -> None:
    first = document("#1", host="a.myshopify.com", shop_id="1", document_id="one")
    first["site"] = f"https://a.myshopify.com/1/orders/{TOKEN}/authenticate?key=s3cret"
    keep(first, document("#2", host="b.myshopify.com", shop_id="2", document_id="two"))
    answer = browser.get("/orders/", {"order": pasted, "open": "1"}, follow=True)
    where, _ = answer.redirect_chain[-1]
    assert ("#1" in Page(answer).root.one("h1").text) == found
    assert where.startswith("/orders/?order=") != found
    assert "s3cret" not in where
    assert found or "s3cret" not in answer.content.decode()
    assert answer.status_code == 200


NUMBER = "6123456789012"


@pytest.mark.parametrize(
    "typed",
    [
        f"https://admin.shopify.com/store/a/orders/{NUMBER}",
        f"https://admin.shopify.com/store/a/orders/{NUMBER}?key=s3cret",
        f"https://a.myshopify.com/admin/orders/{NUMBER}",
        f"https://a.myshopify.com/admin/orders/{NUMBER}.json",
        f" {NUMBER} ",
    ],
)
def test_the_look_up_finds_an_order_by_its_number_in_shopify(
    typed: str, browser: Browser, open_page: Open, keep: Keep
) -> None:
    keep(document("#1", document_id="one"), document("#2", document_id="two"))
    FailedOrder.objects.filter(order_name="#2").update(shopify_id=NUMBER)
    answer = browser.get("/orders/", {"order": typed, "open": "1"}, follow=True)
    assert "#2" in Page(answer).root.one("h1").text
    # In a list it is one of the names.
    page = open_page(f"/orders/?order={NUMBER},%231")
    rows = page.root.all("tr", data_order_id=...)  # type: ignore[arg-type]
    assert {row.get("data-order-name") for row in rows} == {"#1", "#2"}
    answers = page.root.all("li", data_asked_name=...)  # type: ignore[arg-type]
    assert [one.get("data-answer") for one in answers] == ["found", "found"]


@pytest.mark.parametrize("typed", [f"https://admin.shopify.com/store/a/orders/{NUMBER}", NUMBER])
def test_of_an_unknown_number_it_is_said_why_it_may_be_unknown(
    typed: str, browser: Browser, keep: Keep
) -> None:
    keep(document("#1"))
    answer = browser.get("/orders/", {"order": typed, "open": "1"}, follow=True)
    told = Page(answer).root.one("li", data_asked_name=NUMBER).text
    assert "look it up by its name" in told and "search Shopify" not in told


def test_what_is_no_name_may_be_a_part_of_one(
    browser: Browser, open_page: Open, keep: Keep
) -> None:
    keep(document("#HH88119", document_id="1"), document("#HH88120", document_id="2"))
    answer = browser.get("/orders/", {"order": "HH881", "open": "1"}, follow=True)
    (link,) = (a for a in Page(answer).root.all("a") if a.text == "Search every order for it")
    assert open_page(link.get("href")).total == 2


def test_a_page_that_two_orders_name_leads_to_the_list(browser: Browser, keep: Keep) -> None:
    both = [document(f"#{n}", document_id=f"d{n}") for n in (1, 2)]
    keep(*both)
    answer = browser.get("/orders/", {"order": both[0]["site"], "open": "1"})
    token = "e218e7d5c7705560408de87178d8fa6b"
    assert answer["Location"].startswith(f"/orders/?order={token}")


def test_a_chosen_value_of_a_facet_is_always_in_sight(keep: Keep, open_page: Open) -> None:
    hosts = [f"shop-{n:02}.myshopify.com" for n in range(30)]
    keep(
        *(
            document(f"#{n}-{m}", host=host, shop_id=str(n), document_id=f"{n}-{m}")
            for n, host in enumerate(hosts)
            for m in range(31 - n)
        )
    )
    for query, rare in ((f"shop={hosts[29]}", hosts[29]), (f"shop=!{hosts[28]}", hosts[28])):
        facet = open_page(f"/orders/?{query}").root.one("section", data_facet="shop")
        every = [a.get("data-value") for a in facet.all("a", data_value=...)]  # type: ignore[arg-type]
        assert every == hosts  # in their order, whatever is chosen
        on_request = facet.all("li", class_="facet__item is-later")
        shown = set(hosts) - {
            item.one("a", data_value=...).get("data-value") for item in on_request
        }  # type: ignore[arg-type]
        assert shown == {*hosts[:5], rare}
        assert facet.one("input", data_narrows=...).get("placeholder") == "Search 30"  # type: ignore[arg-type]


@pytest.mark.parametrize(("shops", "searched"), [(5, False), (10, False), (11, True)])
def test_a_facet_of_many_values_is_searched(
    shops: int, searched: bool, keep: Keep, open_page: Open
) -> None:
    hosts = [f"shop-{n:02}.myshopify.com" for n in range(shops)]
    keep(
        *(
            document(f"#{n}", host=host, shop_id=str(n), document_id=f"{n}")
            for n, host in enumerate(hosts)
        )
    )
    facet = open_page("/orders/").root.one("section", data_facet="shop")
    assert bool(facet.all("input", data_narrows=...)) == searched  # type: ignore[arg-type]
    assert len(facet.all("a", data_value=...)) == shops  # type: ignore[arg-type]
    assert len(facet.all("li", class_="facet__item")) == 5
    assert len(facet.all("li", class_="facet__item is-later")) == shops - 5
