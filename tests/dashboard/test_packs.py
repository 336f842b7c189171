"""Re-import packs: batches per shop, what is left out, ids, and what became of them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser

from reconciler.ledger.models import Event, FailedOrder, Pack, PackBatch, PackOrder
from reconciler.ledger.work import packs
from reconciler.ledger.work.due import due_orders
from tests.clock import NOW
from tests.dashboard.conftest import Element, Page
from tests.dashboard.test_acting import fields_of, of_role
from tests.makers import document

pytestmark = pytest.mark.django_db
Keep = Callable[..., None]


@pytest.fixture
def ann(quiet: None) -> Browser:
    return of_role("ann", "Agent")


@pytest.fixture
def orders(keep: Keep) -> list[int]:
    """Seven orders of two shops, one without a name."""
    keep(
        *(
            document(f"#{n}", document_id=f"a{n}", host="a.myshopify.com", shop_id="1")
            for n in (10, 9, 8, 7)
        ),
        *(
            document(f"#{n}", document_id=f"b{n}", host="b.myshopify.com", shop_id="2")
            for n in (7, 1)
        ),
        document(None, document_id="nameless"),  # type: ignore[arg-type]
    )
    return list(FailedOrder.objects.values_list("pk", flat=True))


def made(browser: Browser, keys: list[int]) -> str:
    answer = browser.post("/orders/pack/", {"pk": keys})
    assert answer.status_code == 303
    return str(answer["Location"])


def batches(page: Page) -> list[Element]:
    return page.root.all("section", data_batch=...)  # type: ignore[arg-type]


def names(batch: Element) -> list[str]:
    return batch.one(data_names=...).text.split(" ")  # type: ignore[arg-type]


def verdict(name: str, value: str) -> None:
    order = FailedOrder.objects.filter(order_name=name, shop__name="a.myshopify.com")
    state = "resolved" if value == "imported" else "open"
    order.update(verdict=value, verdict_at=NOW, state=state, state_at=NOW)


def test_a_batch_is_one_shop_and_no_longer_than_the_import_takes(
    ann: Browser, orders: list[int], settings: Any
) -> None:
    settings.IMPORT_BATCH = 3
    page = Page(ann.get(made(ann, orders)))
    assert [names(batch) for batch in batches(page)] == [["#7", "#8", "#9"], ["#10"], ["#1", "#7"]]
    assert [batch.one("h2").text for batch in batches(page)] == [
        "a.myshopify.com",
        "a.myshopify.com",
        "b.myshopify.com",
    ]
    assert "no order name has no name" in page.root.one("div", role="status").text
    told = Event.objects.filter(kind="pack", actor="ann", after=f"pack {Pack.objects.get().pk}")
    assert told.count() == 6


def test_what_is_in_hotwax_already_is_left_out_and_said(ann: Browser, orders: list[int]) -> None:
    verdict("#8", "imported")
    verdict("#9", "duplicate")
    page = Page(ann.get(made(ann, orders)))
    assert names(batches(page)[0]) == ["#7", "#10"]
    told = page.root.one("div", role="status").text
    assert "#8 in HotWax already" in told
    assert "#9 twice in HotWax already" in told


def test_without_anything_to_import_there_is_no_pack(ann: Browser, orders: list[int]) -> None:
    FailedOrder.objects.update(verdict="imported")
    answer = ann.post("/orders/pack/?view=all", {"pk": orders}, follow=True)
    assert "all in HotWax already" in Page(answer).root.one(role="alert").text
    assert not PackBatch.objects.exists()


def test_an_order_makes_a_pack_of_its_own(ann: Browser, orders: list[int]) -> None:
    form = Page(ann.get(f"/orders/{orders[0]}/")).root.one("form", data_action="pack")
    answer = ann.post(form.get("action"), fields_of(form))
    assert len(batches(Page(ann.get(answer["Location"])))) == 1


def test_once_imported_it_is_asked_about_by_itself_and_says_what_arrived(
    ann: Browser, orders: list[int], keep: Keep
) -> None:
    FailedOrder.objects.update(verdict="missing", verdict_at=NOW - timedelta(minutes=1))
    path = made(ann, orders)
    page = Page(ann.get(path))
    assert not page.root.all(data_arrived=...)  # type: ignore[arg-type]
    form = batches(page)[0].one("form", data_action="imported")
    assert ann.post(form.get("action"), fields_of(form)).status_code == 303
    waiting = due_orders(NOW + timedelta(minutes=14))[1]
    assert not waiting.exists()
    assert {order.order_name for order in due_orders(NOW + timedelta(minutes=16))[1]} == {
        "#7",
        "#8",
        "#9",
        "#10",
    }
    page = Page(ann.get(path))
    assert "Being imported" in batches(page)[0].text

    # The job has had its time; one failed again, one was not heard of.
    PackBatch.objects.filter(number=1).update(imported_at=NOW - timedelta(minutes=30))
    for name in ("#7", "#8"):
        verdict(name, "imported")
    keep(
        document(
            "#9",
            document_id="again",
            host="a.myshopify.com",
            shop_id="1",
            logged=NOW - timedelta(minutes=20),
            error="Product not found for SKU A-1",
        )
    )
    for name in ("#9", "#10"):
        verdict(name, "missing")
    assert not due_orders(NOW)[1].exists()
    page = Page(ann.get(path))
    batch = batches(page)[0]
    (line,) = batch.all("p", data_arrived=...)  # type: ignore[arg-type]
    assert (line.get("data-arrived"), line.get("data-of")) == ("2", "4")
    assert "2 of 4 arrived" in line.text
    why = [item.text for item in batch.one(class_="outcome").all("li")]
    assert "failed again" in why[0]
    assert "The product is not in the OMS yet" in why[0]
    assert why[1] == "#10 not in HotWax, no new attempt: import it again"
    whole = page.root.one("b", data_arrived=...)  # type: ignore[arg-type]
    assert (whole.get("data-arrived"), whole.get("data-of")) == ("2", "4")
    row = Page(ann.get("/packs/")).root.one("tr", data_pack=...)  # type: ignore[arg-type]
    assert row.one("td", data_of="4").text == "2 of 4"


def test_runbooks_say_how_often_importing_again_worked(ann: Browser, orders: list[int]) -> None:
    made(ann, orders)
    PackBatch.objects.update(imported_at=NOW - timedelta(minutes=30))
    verdict("#7", "imported")
    verdict("#8", "missing")
    order = FailedOrder.objects.get(order_name="#8")
    told = packs.worked(order.signature)
    assert (told.times, told.of) == (1, 2)  # of the others nobody was asked
    slug = order.signature.slug
    for path in (f"/orders/{order.pk}/", f"/errors/{slug}/"):
        assert "Worked 1 of 2 times" in Page(ann.get(path)).root.one(class_="worked").text


def test_a_batch_is_imported_once(ann: Browser, orders: list[int]) -> None:
    path = made(ann, orders)
    ann.post(f"{path}batches/1/imported/")
    at = PackBatch.objects.get(number=1).imported_at
    answer = ann.post(f"{path}batches/1/imported/", follow=True)
    assert "said before" in answer.content.decode()
    assert PackBatch.objects.get(number=1).imported_at == at
    assert ann.post(f"{path}batches/9/imported/").status_code == 404


def test_what_arrives_before_it_is_imported_is_warned_of(ann: Browser, orders: list[int]) -> None:
    path = made(ann, orders)
    verdict("#8", "imported")
    batch = batches(Page(ann.get(path)))[0]
    assert batch.one("p", role="status").text == "By now in HotWax, left out of the names: #8"
    assert names(batch) == ["#7", "#9", "#10"]


CSV = (
    "Name,Email,Id,Total\n#7,x@y.z,6178678210724,10\n#8,x@y.z,6178678210725,10\n"
    '"#77",a,6178678210799,1\n#9,,no number,1\n#10,,6178678210726,1\n#10,,6178678210727,1\n'
)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        (CSV, ["6178678210724", "6178678210725"]),
        ("\ufeff" + CSV, ["6178678210724", "6178678210725"]),
        (
            "6178678210724 #7\n#8\t6178678210725\n#9;6178678210728",
            [
                "6178678210724",
                "6178678210725",
                "6178678210728",
            ],
        ),
        ("7, 6178678210724", ["6178678210724"]),
        ("6178678210724 #7\n6178678210725 #7", None),
    ],
)
def test_ids_are_read_beside_their_names(
    text: str, ids: list[str] | None, ann: Browser, orders: list[int]
) -> None:
    path = made(ann, orders)
    ann.post(f"{path}batches/1/ids/", {"ids": text})
    shown = batches(Page(ann.get(path)))[0].all(data_shopify_ids=...)  # type: ignore[arg-type]
    assert [one.text.split(" ") for one in shown] == ([ids] if ids else [])
    # The other shop has an order of the same name, which is not meant.
    assert not batches(Page(ann.get(path)))[1].all(data_shopify_ids=...)  # type: ignore[arg-type]
    if ids:
        link = f"https://admin.shopify.com/store/a/orders/{ids[0]}"
        assert Page(ann.get(path)).root.all("a", href=link)


def test_shopifys_own_file_is_read(ann: Browser, orders: list[int]) -> None:
    path = made(ann, orders)
    file = SimpleUploadedFile("orders.csv", CSV.encode(), "text/csv")
    answer = ann.post(f"{path}batches/1/ids/", {"file": file}, follow=True)
    assert "2 orders of this batch matched" in answer.content.decode()


@pytest.mark.parametrize("text", ["", "#7 #8", "hello", "\x00", "Id,Name\n,,,\n", "x" * 900_001])
def test_what_holds_no_ids_is_told(text: str, ann: Browser, orders: list[int]) -> None:
    path = made(ann, orders)
    answer = ann.post(f"{path}batches/1/ids/", {"ids": text}, follow=True)
    assert Page(answer).root.all(role="alert")


@pytest.mark.parametrize("role", ["Viewer"])
def test_a_viewer_sees_packs_and_changes_nothing(
    role: str, ann: Browser, orders: list[int]
) -> None:
    path, vera = made(ann, orders), of_role("vera", role)
    page = Page(vera.get(path))
    assert names(batches(page)[0])
    assert not page.root.all("form", data_action=...)  # type: ignore[arg-type]
    for action in ("check/", "batches/1/imported/", "batches/1/ids/"):
        assert vera.post(f"{path}{action}").status_code == 403
    assert not PackBatch.objects.exclude(imported_at=None).exists()


def test_a_get_leads_back_to_the_pack(ann: Browser, orders: list[int]) -> None:
    path = made(ann, orders)
    assert ann.get(f"{path}check/")["Location"] == path
    assert ann.get("/packs/999/").status_code == 404


def test_an_empty_list_says_how_to_begin(ann: Browser) -> None:
    assert "No pack yet" in Page(ann.get("/packs/")).html
    assert ann.get("/packs/?page=x").status_code == 400


@pytest.mark.parametrize(
    "text", ["Name,Id\r#7,6178678210724\r", "a\rb", '"' + "x" * 200_000, "Id,Name\n" + '"' * 3]
)
def test_whatever_is_pasted_is_no_error_of_ours(text: str, ann: Browser, orders: list[int]) -> None:
    path = made(ann, orders)
    for sent in ({"ids": text}, {"file": SimpleUploadedFile("o.csv", text.encode(), "text/csv")}):
        assert ann.post(f"{path}batches/1/ids/", sent).status_code == 303


@pytest.mark.parametrize("size", [900_001, 1_000_000, 1_100_000])
def test_a_file_that_is_too_long_is_refused_and_never_cut(
    size: int, ann: Browser, orders: list[int]
) -> None:
    path = made(ann, orders)
    text = (CSV + "x,y,1,1\n" * (size // 8)).encode()
    sent = {"file": SimpleUploadedFile("orders.csv", text, "text/csv")}
    answer = ann.post(f"{path}batches/1/ids/", sent, follow=True)
    assert "too long" in Page(answer).root.one(role="alert").text
    assert not PackOrder.objects.exclude(shopify_id="").exists()


def test_a_name_of_two_lines_is_left_out(ann: Browser, keep: Keep) -> None:
    keep(document("#1\n#999", document_id="a"), document("#2", document_id="b"))
    keys = list(FailedOrder.objects.values_list("pk", flat=True))
    page = Page(ann.get(made(ann, keys)))
    assert names(batches(page)[0]) == ["#2"]


def test_two_orders_of_one_key_have_ids_by_their_names_as_they_stand(
    ann: Browser, keep: Keep
) -> None:
    keep(document("#1", document_id="a"), document("1", document_id="b"))
    path = made(ann, list(FailedOrder.objects.values_list("pk", flat=True)))
    ann.post(f"{path}batches/1/ids/", {"ids": "6178678210724 #1"})
    told = dict(PackOrder.objects.values_list("order__order_name", "shopify_id"))
    assert told == {"#1": "6178678210724", "1": ""}


def test_a_batch_ends_when_a_person_resolved_what_is_left(ann: Browser, orders: list[int]) -> None:
    path = made(ann, orders)
    PackBatch.objects.update(imported_at=NOW - timedelta(days=2))
    verdict("#7", "imported")
    verdict("#8", "missing")
    rows = FailedOrder.objects.filter(order_name__in=["#9", "#10"])
    rows.update(verdict="missing", verdict_at=NOW - timedelta(days=3))
    told = batches(Page(ann.get(path)))[0].one(class_="outcome").text
    assert "#8 failed again" in told
    assert "HotWax will be asked about 2 orders still" in told
    assert "Nothing to do here" not in told
    rows.update(state="resolved")
    told = batches(Page(ann.get(path)))[0].one(class_="outcome").text
    assert "resolved without a proof" in told
    assert "asked about" not in told


def test_what_came_by_the_second_pack_did_not_come_by_the_first(
    ann: Browser, orders: list[int]
) -> None:
    for hours in (30, 3):
        made(ann, orders[:1])
        batch = PackBatch.objects.order_by("pk").last()
        PackBatch.objects.filter(pk=batch.pk).update(imported_at=NOW - timedelta(hours=hours))
    order = FailedOrder.objects.filter(pk=orders[0])
    order.update(verdict="imported", verdict_at=NOW, arrived_at=NOW - timedelta(hours=2))
    told = packs.worked(order.get().signature)
    assert (told.times, told.of) == (1, 2)


def test_a_batch_of_the_future_is_asked_about_when_its_time_comes(orders: list[int]) -> None:
    pack = packs.make_pack(orders[:2], "ann", NOW)
    PackBatch.objects.update(imported_at=NOW - timedelta(hours=1))
    FailedOrder.objects.update(verdict="missing", verdict_at=NOW + timedelta(hours=5))
    assert packs.due_of_packs(NOW).count() == 2
    assert not packs.outcomes(pack, NOW)[0].is_checked


def test_a_pack_follows_its_orders(hotwax_of: Any) -> None:
    at = NOW - timedelta(hours=2)
    documents = [document(f"#{n}", document_id=f"d{n}", logged=at) for n in (1, 2)]
    hotwax = hotwax_of(documents)
    hotwax.sync()
    pack = packs.make_pack([order.pk for order in FailedOrder.objects.all()], "ann", NOW)
    documents[0] = document("HC#1", document_id="d1", logged=at, version=7)
    hotwax.sync()
    assert sorted(packs.outcomes(pack, NOW)[0].names) == ["#2", "HC#1"]
    documents[0] = document("#2", document_id="d1", logged=at, version=8)
    hotwax.sync()
    assert packs.outcomes(pack, NOW)[0].names == ["#2"]
