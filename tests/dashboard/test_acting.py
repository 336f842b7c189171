"""Acting on orders through their forms: answers, conflicts, refusals, bulk, undo."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client as Browser

from reconciler.ledger.models import Event, FailedOrder
from tests.clock import NOW, local, stopped_at
from tests.conftest import BACKEND
from tests.dashboard.conftest import Element, Page
from tests.makers import document

pytestmark = pytest.mark.django_db
Keep = Callable[..., None]


def of_role(name: str, role: str) -> Browser:
    user = User.objects.create_user(name)
    user.groups.add(Group.objects.get(name=role))
    browser = Browser()
    browser.force_login(user, backend=BACKEND)
    return browser


@pytest.fixture
def ann(quiet: None) -> Browser:
    return of_role("ann", "Agent")


@pytest.fixture
def bob(quiet: None) -> Browser:
    return of_role("bob", "Agent")


@pytest.fixture
def three(keep: Keep) -> list[int]:
    keep(*(document(f"#{n}", document_id=f"d{n}") for n in range(3)))
    return list(FailedOrder.objects.order_by("order_name").values_list("pk", flat=True))


def form_of(page: Page, action: str, holding: str = "") -> Element:
    """The form of an action; of several, the one with a button of this value."""
    forms = page.root.all("form", data_action=action)
    return next(
        form
        for form in forms
        if not holding or any(b.get("value") == holding for b in form.all("button"))
    )


def fields_of(form: Element) -> dict[str, str]:
    hidden = form.all("input", type_="hidden")
    return {one.get("name"): one.get("value") for one in hidden}


def values() -> list[tuple[str, str | None]]:
    return list(FailedOrder.objects.order_by("order_name").values_list("state", "assignee"))


def test_the_forms_of_an_order_do_what_they_say(ann: Browser, three: list[int]) -> None:
    path = f"/orders/{three[0]}/?view=all"
    form = form_of(Page(ann.get(path)), "assign", "ann")
    answer = ann.post(form.get("action"), fields_of(form) | {"assignee": "ann"})
    assert (answer.status_code, answer["Location"]) == (303, path)
    page = Page(ann.get(path))
    assert page.root.one(class_="toast").get("data-changed") == "1"
    form = form_of(page, "state")
    button = next(b for b in form.all("button") if "reason=shop" in b.get("formaction"))
    ann.post(button.get("formaction"), fields_of(form) | {"state": "waiting"})
    form = form_of(Page(ann.get(path)), "note")
    ann.post(form.get("action"), fields_of(form) | {"text": "Asked **them**"})
    page = Page(ann.get(path))
    assert values()[0] == ("waiting", "ann")
    assert "Waiting for the shop" in page.root.one(class_="headline__meta").text
    (note,) = page.root.all("li", class_="is-note")
    assert note.one("strong").text == "them"
    kinds = [row.get("data-kind") for row in page.root.all("tr", data_event=...)]  # type: ignore[arg-type]
    assert kinds == ["note", "state", "assign"]


def test_who_acted_since_is_shown_and_what_one_typed_is_kept(
    ann: Browser, bob: Browser, three: list[int]
) -> None:
    path = f"/orders/{three[0]}/"
    form = form_of(Page(ann.get(path)), "state")
    bob.post(f"{path}assign/", {"assignee": "bob", "seen": "0"})
    answer = ann.post(f"{path}state/", fields_of(form) | {"state": "waiting", "reason": "hotwax"})
    assert answer.status_code == 409
    assert values()[0] == ("open", "bob")
    page = Page(answer)
    alert = page.root.one(role="alert")
    assert "bob took it" in alert.text
    again = alert.one("form")
    assert fields_of(again)["seen"] == "1"
    answer = ann.post(again.get("action"), fields_of(again))
    assert answer.status_code == 303
    assert values()[0] == ("waiting", "bob")


def test_a_note_does_not_conflict(ann: Browser, bob: Browser, three: list[int]) -> None:
    path = f"/orders/{three[0]}/"
    bob.post(f"{path}assign/", {"assignee": "bob"})
    assert ann.post(f"{path}note/", {"text": "hello", "seen": "0"}).status_code == 303


REFUSED = [
    ("state", {"state": "done"}),
    ("state", {}),
    ("state", {"state": "waiting"}),
    ("state", {"state": "waiting", "reason": "weather"}),
    ("state", {"state": "ignored", "until": "today"}),
    ("state", {"state": "ignored", "until": "2026-02-30"}),
    ("state", {"state": "ignored", "until": "TODAY"}),
    ("assign", {"assignee": "nobody-of-that-name"}),
    ("assign", {"assignee": "x" * 151}),
    ("note", {"text": " "}),
    ("note", {"text": "x" * 10_001}),
    ("state", {"state": "open", "seen": "first"}),
    ("state", {"state": "open", "seen": "9" * 30}),
]


@pytest.mark.parametrize(("verb", "sent"), REFUSED)
def test_what_cannot_be_read_is_refused_and_changes_nothing(
    verb: str, sent: dict[str, str], ann: Browser, three: list[int]
) -> None:
    sent = {k: local(NOW).date().isoformat() if v == "TODAY" else v for k, v in sent.items()}
    answer = ann.post(f"/orders/{three[0]}/{verb}/", sent)
    assert answer.status_code == 400
    if "seen" not in sent:
        assert ann.post(f"/orders/{verb}/", sent | {"pk": three[0]}).status_code == 400
    assert values() == [("open", None)] * 3
    assert not Event.objects.exists()


@pytest.mark.parametrize("verb", ["assign", "state", "note", "check"])
@pytest.mark.parametrize("role", ["Viewer", None])
def test_a_viewer_is_shown_no_action_and_may_do_none(
    verb: str, role: str | None, three: list[int]
) -> None:
    viewer = of_role("vera", role) if role else Browser()
    if not role:
        viewer.force_login(User.objects.create_user("vera"), backend=BACKEND)
    sent = {"assignee": "", "state": "resolved", "text": "x", "pk": three}
    assert viewer.post(f"/orders/{three[0]}/{verb}/", sent).status_code == 403
    assert viewer.post(f"/orders/{verb}/", sent).status_code == 403
    for path in ("/orders/", f"/orders/{three[0]}/"):
        page = Page(viewer.get(path))
        assert not page.root.all(data_bulk=...)  # type: ignore[arg-type]
        assert not page.root.all("input", name="pk")
        assert not page.root.all("button", formaction=...)  # type: ignore[arg-type]
    assert not Event.objects.exists()


def bulk(page: Page) -> Element:
    return page.root.one("form", data_bulk=...)  # type: ignore[arg-type]


def test_the_ticked_orders_are_changed_together(ann: Browser, three: list[int]) -> None:
    page = Page(ann.get("/orders/?view=all&sort=order"))
    boxes = page.root.all("input", name="pk")
    assert {box.get("form") for box in boxes} == {bulk(page).get("id")}
    (menu,) = bulk(page).all(data_action="state")
    action = next(b for b in menu.all("button") if b.get("value") == "resolved").get("formaction")
    sent = fields_of(bulk(page)) | {"state": "resolved", "pk": [boxes[0].get("value"), three[2]]}
    answer = ann.post(action, sent)
    assert (answer.status_code, answer["Location"]) == (303, "/orders/?view=all&sort=order")
    assert [state for state, _ in values()] == ["resolved", "open", "resolved"]
    page = Page(ann.get(answer["Location"]))
    toast = page.root.one(class_="toast")
    assert toast.get("data-changed") == "2"
    form = toast.one("form", data_action="undo")
    ann.post(form.get("action"), fields_of(form))
    assert [state for state, _ in values()] == ["open"] * 3
    page = Page(ann.get("/orders/"))
    assert page.root.one(class_="toast").get("data-changed") == "2"
    assert not page.root.one(class_="toast").all("form")


def test_all_that_match_are_changed_only_if_they_are_as_many_as_shown(
    ann: Browser, three: list[int]
) -> None:
    path = "/orders/assign/?view=all&q=%231"
    assert ann.post(path, {"all": "2", "assignee": "ann"}).status_code == 409
    assert values() == [("open", None)] * 3
    answer = ann.post(path, {"all": "2", "assignee": "ann"})
    assert "1 do now" in Page(answer).root.one(role="alert").text
    assert ann.post(path, {"all": "1", "assignee": "ann"}).status_code == 303
    assert values() == [("open", None), ("open", "ann"), ("open", None)]


@pytest.mark.parametrize(
    "sent", [{}, {"all": "many"}, {"all": "10001"}, {"pk": "x"}, {"all": "-1"}]
)
def test_orders_that_are_not_named_clearly_are_not_changed(
    sent: dict[str, str], ann: Browser, three: list[int]
) -> None:
    assert ann.post("/orders/state/", sent | {"state": "resolved"}).status_code == 400
    assert values() == [("open", None)] * 3


def test_take_gives_one_order_of_the_list_to_oneself(ann: Browser, three: list[int]) -> None:
    page = Page(ann.get("/orders/"))
    row = page.root.one("tr", data_order_name="#1")
    take = row.one("button", class_="button button--small take")
    sent = {take.get("name"): take.get("value"), "pk": [three[0]]}
    assert ann.post(take.get("formaction"), sent).status_code == 303
    assert values() == [("open", None), ("open", "ann"), ("open", None)]
    assert Page(ann.get("/orders/?view=mine")).names == ["#1"]
    assert Page(ann.get("/orders/?assignee=me")).names == ["#1"]
    assert Page(ann.get("/orders/?assignee=!ann")).total == 2
    assert Page(ann.get("/orders/?assignee=none")).total == 2


def test_mine_is_for_whoever_looks(ann: Browser, bob: Browser, three: list[int]) -> None:
    ann.post("/orders/assign/", {"pk": three[:2], "assignee": "ann"})
    for browser, number in ((ann, 2), (bob, 0), (ann, 2)):
        assert Page(browser.get("/orders/?view=mine")).total == number
        tabs = Page(browser.get("/orders/")).root.one(id_="views").all("a")
        assert tabs[1].text == f"Mine {number}"


def test_with_htmx_the_answer_is_a_fragment(ann: Browser, three: list[int]) -> None:
    answer = ann.post(
        "/orders/state/", {"all": "9", "state": "resolved"}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 409
    assert "<html" not in answer.content.decode()
    assert answer["Vary"].startswith("HX-Request")


def test_the_toast_stays_for_ten_minutes(ann: Browser, three: list[int], clock: Any) -> None:
    from reconciler.ledger.models import Action

    ann.post("/orders/assign/", {"pk": three, "assignee": "ann"})
    assert Page(ann.get("/orders/")).root.all(class_="toast")
    Action.objects.update(at=NOW - timedelta(minutes=11))
    assert not Page(ann.get("/orders/")).root.all(class_="toast")


def test_what_was_taken_back_is_told_once(ann: Browser, three: list[int]) -> None:
    ann.post("/orders/assign/", {"pk": three, "assignee": "ann"})
    answer = ann.post(Page(ann.get("/orders/")).root.one("form", data_action="undo").get("action"))
    assert "Taken back" in Page(ann.get(answer["Location"])).root.one(class_="toast").text
    with stopped_at(NOW + timedelta(seconds=30)):
        assert not Page(ann.get("/orders/")).root.all(class_="toast")


def test_the_button_that_enter_presses_without_script_takes_no_order(
    ann: Browser, three: list[int]
) -> None:
    page = Page(ann.get("/orders/"))
    first = page.root.all("button", form="bulk")[0]
    assert not first.get("formaction")
    assert bulk(page).get("action").startswith("/orders/check/")


def test_a_state_that_is_not_named_changes_nothing(ann: Browser, three: list[int]) -> None:
    for path in ("/orders/state/", f"/orders/{three[0]}/state/"):
        assert ann.post(path, {"pk": three, "until": "2026-12-09", "seen": "0"}).status_code == 400
    assert values() == [("open", None)] * 3


def test_an_undo_of_others_is_for_managers(
    ann: Browser, bob: Browser, manager: Browser, three: list[int]
) -> None:
    ann.post("/orders/assign/", {"pk": three, "assignee": "ann"})
    path = Page(ann.get("/orders/")).root.one("form", data_action="undo").get("action")
    assert bob.post(path).status_code == 403
    assert values()[0] == ("open", "ann")
    assert manager.post(path).status_code == 303
    assert values()[0] == ("open", None)
    assert "taken back any more" in Page(ann.post(path, follow=True)).html


@pytest.mark.parametrize("url", ["//evil.com/x", "https://evil.com", "javascript:alert(1)", ""])
def test_an_undo_leads_nowhere_else(url: str, ann: Browser, three: list[int]) -> None:
    ann.post("/orders/assign/", {"pk": three, "assignee": "ann"})
    path = Page(ann.get("/orders/")).root.one("form", data_action="undo").get("action")
    answer = ann.post(path.split("?")[0], QUERY_STRING=f"next={url}")
    assert answer["Location"] == "/orders/"


def test_a_get_changes_nothing_and_leads_back(ann: Browser, three: list[int]) -> None:
    answer = ann.get(f"/orders/{three[0]}/state/?view=all")
    assert answer["Location"] == f"/orders/{three[0]}/?view=all"
    assert ann.get("/orders/state/?view=all")["Location"] == "/orders/?view=all"
    assert not Event.objects.exists()


def test_the_lists_filter_is_no_state_to_set(ann: Browser, three: list[int]) -> None:
    for path in ("/orders/state/?state=resolved", f"/orders/{three[0]}/state/?state=resolved"):
        assert ann.post(path, {"pk": three}).status_code == 400
    assert ann.post("/orders/assign/?assignee=none", {"pk": three}).status_code == 303
    assert values() == [("open", None)] * 3


def test_hostile_notes_are_text(ann: Browser, three: list[int]) -> None:
    text = "<script>alert(1)</script> [x](javascript:alert(1)) {order}"
    ann.post(f"/orders/{three[0]}/note/", {"text": text})
    for path in (f"/orders/{three[0]}/", "/activity/"):
        page = Page(ann.get(path))
        assert "<script>alert" not in page.html
        assert not page.root.all("a", href="javascript:alert(1)")


def test_nobody_is_offered_who_does_not_work_on_orders(
    ann: Browser, bob: Browser, three: list[int]
) -> None:
    of_role("vera", "Viewer")
    User.objects.filter(username="bob").update(is_active=False)
    (menu,) = bulk(Page(ann.get("/orders/"))).all(data_action="assign")
    offered = [button.get("value") for button in menu.all("button")]
    assert (offered[0], offered[-1]) == ("ann", "")
    assert not {"bob", "vera", "viewer"} & set(offered)
