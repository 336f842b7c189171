"""Saved views: named filters, private or shared, one's default, and nothing lost while editing."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client as Browser

from dashboard.models import SavedView
from reconciler.ledger.models import ErrorSignature, Event
from tests.clock import NOW
from tests.dashboard.conftest import Element, Page
from tests.dashboard.test_acting import of_role
from tests.makers import document

pytestmark = pytest.mark.django_db
Keep = Callable[..., None]
FILTERS = "shop=a.myshopify.com&sort=order"


@pytest.fixture
def ann(keep: Keep) -> Browser:
    keep(
        document("#1", document_id="d1", host="a.myshopify.com", shop_id="1"),
        document("#2", document_id="d2", host="a.myshopify.com", shop_id="1"),
        document("#3", document_id="d3", host="b.myshopify.com", shop_id="2"),
    )
    return of_role("ann", "Agent")


@pytest.fixture
def bob(ann: Browser) -> Browser:
    return of_role("bob", "Agent")


def saved(browser: Browser, name: str = "Mine", query: str = FILTERS, **more: str) -> str:
    """Save a view with the form of the list; return where that leads to."""
    form = Page(browser.get(f"/orders/?{query}")).root.one("form", data_action="save-view")
    answer = browser.post(form.get("action"), {"name": name, **more})
    assert answer.status_code == 303, answer.content
    return str(answer["Location"])


def tabs(browser: Browser, url: str = "/orders/?view=open") -> dict[str, Element]:
    found = Page(browser.get(url)).root.all("a", data_saved_view=...)  # type: ignore[arg-type]
    return {tab.text: tab for tab in found}


def act(browser: Browser, url: str, action: str, **sent: str) -> str:
    form = Page(browser.get(url)).root.one("form", data_action=action)
    answer = browser.post(form.get("action"), sent)
    assert answer.status_code == 303, answer.content
    return str(answer["Location"])


def test_a_view_keeps_filters_and_sort_and_opens_as_a_tab(ann: Browser, bob: Browser) -> None:
    opened = saved(ann, query=f"{FILTERS}&page=3")
    page = Page(ann.get(opened))
    assert page.names == ["#1", "#2"]
    assert page.root.one("a", data_saved_view=...).get("aria-current") == "page"  # type: ignore[arg-type]
    assert list(tabs(ann)) == ["Mine 2"]
    assert Page(ann.get(tabs(ann)["Mine 2"].get("href"))).names == ["#1", "#2"]
    assert tabs(bob) == {}
    assert Event.objects.filter(kind="view", actor="ann", after="Mine").exists()


def test_a_changed_filter_is_said_kept_and_can_be_saved_or_discarded(ann: Browser) -> None:
    opened = saved(ann)
    assert not Page(ann.get(opened)).root.all(class_="changed")
    changed = f"{opened}&q=%232"
    page = Page(ann.get(changed))
    assert page.names == ["#2"]
    box = page.root.one("div", class_="changed")
    assert box.one("a").get("href") == opened
    again = act(ann, changed, "update-view")
    assert Page(ann.get(again)).names == ["#2"]
    assert not Page(ann.get(again)).root.all(class_="changed")


def test_renaming_duplicating_and_deleting(ann: Browser) -> None:
    opened = saved(ann)
    assert list(tabs(ann, act(ann, opened, "rename-view", name="Ours"))) == ["Ours 2"]
    act(ann, opened, "duplicate-view")
    assert set(tabs(ann)) == {"Ours 2", "Ours, copy 2"}
    left = act(ann, opened, "delete-view")
    page = Page(ann.get(left))
    assert page.names == ["#1", "#2"]  # the filters stay
    assert set(tabs(ann)) == {"Ours, copy 2"}
    told = Event.objects.filter(kind="view").order_by("pk").values_list("before", "after")
    assert list(told) == [("", "Mine"), ("Mine", "Ours"), ("", "Ours, copy"), ("Ours", "")]


def test_ones_default_opens_without_a_query_string_and_open_stays_reachable(ann: Browser) -> None:
    opened = saved(ann)
    act(ann, opened, "default-view")
    assert ann.get("/orders/")["Location"] == opened
    assert ann.get("/orders/?view=open").status_code == 200
    assert ann.get("/orders/", headers={"HX-Request": "true"}).status_code == 200
    page = Page(ann.get("/orders/?shop=a.myshopify.com"))
    tab, clear = page.root.one("a", id_="view-open"), page.root.one("a", class_="clear")
    assert Page(ann.get(tab.get("href"))).total == 2
    assert Page(ann.get(clear.get("href"))).total == 3
    act(ann, opened, "default-view")
    assert ann.get("/orders/").status_code == 200


def test_a_shared_view_is_for_all_and_changed_by_its_owner_and_managers(
    ann: Browser, bob: Browser, manager: Browser
) -> None:
    form = {"name": "All of us", "shared": "1"}
    assert ann.post(f"/orders/views/save/?{FILTERS}", form).status_code == 403
    opened = saved(manager, "All of us", shared="1")
    pk = SavedView.objects.get().pk
    assert list(tabs(bob)) == ["All of us 2"]
    other = of_role("mia", "Manager")
    for verb in ("rename", "update", "delete", "default"):
        assert bob.post(f"/orders/views/{pk}/{verb}/", {"name": "x"}).status_code == 403
    page = Page(bob.get(opened))
    assert not page.root.all("form", data_action="delete-view")
    act(other, opened, "rename-view", name="Of all")
    assert list(tabs(bob)) == ["Of all 2"]
    act(bob, opened, "duplicate-view")
    assert SavedView.objects.get(owner__username="bob").shared is False
    act(other, opened, "delete-view")
    assert list(tabs(ann)) == []


def test_a_private_view_is_nobody_elses(ann: Browser, bob: Browser, manager: Browser) -> None:
    saved(ann)
    pk = SavedView.objects.get().pk
    for browser in (bob, manager):
        for verb in ("rename", "update", "delete", "default", "duplicate"):
            assert browser.post(f"/orders/views/{pk}/{verb}/", {"name": "x"}).status_code == 404
    User.objects.filter(username="ann").update(is_active=False)
    assert SavedView.objects.exists()


@pytest.mark.parametrize("name", ["", " ", "x" * 61, "Mine"])
def test_a_name_is_wanted_short_and_once(name: str, ann: Browser) -> None:
    saved(ann)
    answer = ann.post(f"/orders/views/save/?{FILTERS}", {"name": name})
    assert answer.status_code == 400
    assert Page(answer).root.all(role="alert")
    assert Page(answer).names == ["#1", "#2"]
    assert SavedView.objects.count() == 1


def test_filters_that_cannot_be_read_are_not_saved(ann: Browser) -> None:
    assert ann.post("/orders/views/save/?from=yesterday", {"name": "x"}).status_code == 400
    assert not SavedView.objects.exists()


def test_a_viewer_sees_shared_views_and_saves_none(ann: Browser, manager: Browser) -> None:
    saved(manager, "All of us", shared="1")
    vera = of_role("vera", "Viewer")
    assert list(tabs(vera)) == ["All of us 2"]
    assert not Page(vera.get("/orders/")).root.all("form", data_action="save-view")
    assert vera.post(f"/orders/views/save/?{FILTERS}", {"name": "x"}).status_code == 403


def test_a_get_leads_back_and_a_view_that_is_gone_is_no_error(ann: Browser) -> None:
    opened = saved(ann)
    pk = SavedView.objects.get().pk
    assert ann.get(f"/orders/views/save/?{FILTERS}")["Location"] == f"/orders/?{FILTERS}"
    assert ann.get(f"/orders/views/{pk}/delete/?{FILTERS}")["Location"] == f"/orders/?{FILTERS}"
    SavedView.objects.all().delete()
    assert Page(ann.get(opened)).names == ["#1", "#2"]
    assert ann.get(f"/orders/views/{pk}/delete/").status_code == 404


def test_mine_in_a_shared_view_is_for_whoever_looks(
    ann: Browser, bob: Browser, manager: Browser
) -> None:
    ann.post("/orders/assign/?view=all", {"all": "3", "assignee": "bob"})
    opened = saved(manager, "Own", "view=mine", shared="1")
    assert Page(bob.get(opened)).total == 3
    assert Page(ann.get(opened)).total == 0
    assert list(tabs(bob)) == ["Own 3"]
    assert list(tabs(ann)) == ["Own 0"]


def test_a_default_that_cannot_be_read_is_no_trap(ann: Browser) -> None:
    act(ann, saved(ann), "default-view")
    SavedView.objects.update(query="state=bogus")
    assert ann.get("/orders/").status_code == 200
    view = SavedView.objects.get()
    page = Page(ann.get(f"/orders/?state=bogus&saved={view.pk}"))
    assert page.status == 400
    assert page.root.one("form", data_action="delete-view")


def test_who_may_no_longer_work_on_orders_has_no_default(ann: Browser) -> None:
    act(ann, saved(ann), "default-view")
    User.objects.get(username="ann").groups.set(Group.objects.filter(name="Viewer"))
    assert ann.get("/orders/").status_code == 200


def test_duplicates_have_names_of_their_own(ann: Browser) -> None:
    opened = saved(ann)
    for _ in range(3):
        act(ann, opened, "duplicate-view")
    names = set(SavedView.objects.values_list("name", flat=True))
    assert names == {"Mine", "Mine, copy", "Mine, copy 2", "Mine, copy 3"}


def test_many_views_cost_few_queries(ann: Browser, django_assert_max_num_queries: Any) -> None:
    slug = ErrorSignature.objects.values_list("slug", flat=True)[0]
    owner = User.objects.get(username="ann")
    for n in range(40):
        SavedView.objects.create(owner=owner, name=f"{n:02d}", query=f"error={slug}&q=x{n}", at=NOW)
    ann.get("/orders/?view=open")
    with django_assert_max_num_queries(14):
        ann.get("/orders/?view=open")
