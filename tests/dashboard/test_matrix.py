"""Who may do what: role x URL x method, walked over every URL that there is."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client as Browser
from django.urls import reverse

from dashboard.models import SavedView
from dashboard.urls import urlpatterns
from reconciler.ledger.models import ErrorSignature, FailedOrder
from reconciler.ledger.work import packs, triage
from tests.clock import NOW
from tests.conftest import BACKEND
from tests.makers import document

pytestmark = pytest.mark.django_db
Keep = Callable[..., None]

ROLES = ("nobody", "Viewer", "Agent", "Manager", "Admin")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
#: For anybody; from a role on; not at all.
ANYBODY, VIEWER, AGENT, MANAGER, NEVER = "nobody", "Viewer", "Agent", "Manager", None
VERBS = ("assign", "state", "note", "check", "pack")
VIEW_VERBS = ("rename", "update", "default", "delete")
#: URL -> who may GET it, and who may POST to it. A new URL needs a row.
MAY: dict[str, tuple[str | None, str | None]] = {
    "home": (VIEWER, NEVER),
    "orders": (VIEWER, NEVER),
    "names": (VIEWER, VIEWER),
    "export_csv": (VIEWER, NEVER),
    "export_xlsx": (VIEWER, NEVER),
    "order": (VIEWER, NEVER),
    "ask": (VIEWER, VIEWER),
    **{f"act_{verb}": (VIEWER, AGENT) for verb in VERBS},
    **{f"bulk_{verb}": (VIEWER, AGENT) for verb in VERBS},
    "undo": (VIEWER, MANAGER),  # of one's own also an Agent (test_acting)
    "activity": (VIEWER, NEVER),
    "save_view": (VIEWER, AGENT),
    # A private view is there for its owner only (test_saved_views).
    **{f"{verb}_view": (VIEWER, MANAGER) for verb in VIEW_VERBS},
    "duplicate_view": (VIEWER, AGENT),
    "packs": (VIEWER, NEVER),
    "pack": (VIEWER, NEVER),
    "pack_check": (VIEWER, AGENT),
    "pack_imported": (VIEWER, AGENT),
    "pack_ids": (VIEWER, AGENT),
    "errors": (VIEWER, NEVER),
    "error_values": (VIEWER, NEVER),
    "errors_csv": (VIEWER, NEVER),
    "trends_csv": (VIEWER, NEVER),
    "error": (VIEWER, NEVER),
    "correction": (VIEWER, MANAGER),
    "runbook": (MANAGER, MANAGER),
    "trends": (VIEWER, NEVER),
    "api_orders": (VIEWER, NEVER),
    "api_trends": (VIEWER, NEVER),
    "status": (VIEWER, NEVER),
    "check": (NEVER, AGENT),
    "trust": (VIEWER, NEVER),
    "login": (ANYBODY, ANYBODY),
    "logout": (NEVER, VIEWER),
    "password": (VIEWER, VIEWER),
    "appearance": (NEVER, ANYBODY),
    "livez": (ANYBODY, NEVER),
    "readyz": (ANYBODY, NEVER),
}


@pytest.fixture
def browsers(quiet: None) -> dict[str, Browser]:
    """A browser of somebody in each role."""
    made = {"nobody": Browser()}
    for role in ROLES[1:]:
        user = User.objects.create_user(f"the-{role}", password="x")
        user.groups.add(Group.objects.get(name=role))
        made[role] = Browser()
        made[role].force_login(user, backend=BACKEND)
    return made


@pytest.fixture
def address(keep: Keep) -> Callable[[str], str]:
    keep(document("#1", error="Transaction is empty", document_id="d1"))
    pk, slug = FailedOrder.objects.get().pk, ErrorSignature.objects.get().slug
    owner = User.objects.create_user("owner")
    view = SavedView.objects.create(owner=owner, name="x", shared=True, at=NOW).pk
    pack = packs.make_pack([pk], "ann", NOW).pk
    arguments: dict[str, list[Any]] = {
        **{name: [pk] for name in ("order", "ask")},
        **{f"act_{verb}": [pk] for verb in VERBS},
        **{f"{verb}_view": [view] for verb in (*VIEW_VERBS, "duplicate")},
        **{name: [pack] for name in ("pack", "pack_check")},
        **{name: [pack, 1] for name in ("pack_imported", "pack_ids")},
        "undo": [triage.assign([pk], "ann", "ann", NOW).action.pk],
        **{name: [slug] for name in ("error", "error_values", "correction", "runbook")},
    }
    return lambda name: reverse(f"dashboard:{name}", args=arguments.get(name, []))


def test_every_url_has_a_row() -> None:
    assert {pattern.name for pattern in urlpatterns} == set(MAY)


def calls() -> Iterator[tuple[str, str, str]]:
    for name in MAY:
        for role in ROLES:
            for method in METHODS:
                yield name, role, method


@pytest.mark.parametrize("name", MAY)
def test_everybody_may_do_what_their_role_says_and_no_more(
    name: str, browsers: dict[str, Browser], address: Callable[[str], str], settings: Any
) -> None:
    url = address(name)
    for _, role, method in (call for call in calls() if call[0] == name):
        answer = browsers[role].generic(method, url)
        told = f"{role} {method} {url}: {answer.status_code}"
        assert answer.status_code < 500, told
        read, write = MAY[name]
        least = {"GET": read, "HEAD": read, "POST": write}.get(method, NEVER)
        if name == "delete_view" and role == "Admin":
            assert answer.status_code in (404, 405), told  # the Manager before has deleted it
        elif name == "login" and role != "nobody":
            assert answer.status_code == 302, told  # whoever is in goes on to the list
        elif method == "OPTIONS" and answer.status_code == 200:
            assert not answer.content, told  # it says what is allowed, and nothing else
        elif role == "nobody" and ANYBODY not in (read, write):
            # Whatever it asks for, it is told to sign in first.
            assert answer.status_code == (401 if name.startswith("api") else 302), told
        elif least is None:
            assert answer.status_code == 405, told
        elif ROLES.index(role) < ROLES.index(least):
            assert answer.status_code == 403, told
        else:
            assert answer.status_code in (200, 302, 303, 400), told
        if name == "logout" and method == "POST" and role != "nobody":
            user = User.objects.get(username=f"the-{role}")
            browsers[role].force_login(user, backend=BACKEND)


@pytest.mark.parametrize("path", ["/admin/", "/admin/auth/user/", "/admin/auth/user/add/"])
def test_the_administration_is_for_admins(path: str, browsers: dict[str, Browser]) -> None:
    for role in ROLES:
        for method in METHODS:
            status = browsers[role].generic(method, path).status_code
            assert status < 500
            assert role == "Admin" or status == 302, f"{role} {method}: {status}"
        assert (browsers[role].get(path).status_code == 200) == (role == "Admin")
