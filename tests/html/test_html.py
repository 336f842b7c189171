"""The Nu HTML checker finds nothing on any page."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client as Browser

from reconciler.ledger.models import FailedOrder
from tests import maven
from tests.conftest import missing
from tests.dashboard.conftest import *  # noqa: F403 - its fixtures
from tests.dashboard.test_acting import of_role
from tests.html import checker


@pytest.fixture(scope="module")
def built() -> None:
    try:
        maven.build(checker.HERE, "the HTML checker")
    except maven.NotAvailable as error:
        missing(str(error))


def test_it_sees_what_is_wrong(built: None, tmp_path: Path) -> None:
    page = "<!doctype html><html lang=en><title>x</title><p hx-get=/>a<ul><p>b</ul>"
    (fault,) = checker.faults({"odd": page}, tmp_path)
    assert fault.startswith("odd:1: Element “p” not allowed as child of element “ul”")


def test_nothing_is_wrong_on_any_page(
    built: None, ledger: list[dict[str, Any]], quiet: None, tmp_path: Path
) -> None:
    agent, manager = of_role("ann", "Agent"), of_role("priya", "Manager")
    order = FailedOrder.objects.order_by("pk")[0]
    at, error = f"/orders/{order.pk}/", f"/errors/{order.signature.slug}/"
    agent.post(f"{at}note/", {"text": "A *note*", "seen": order.revision})
    agent.post(f"{at}state/", {"state": "waiting", "reason": "shop", "seen": order.revision})
    pack = agent.post("/orders/pack/", {"pk": [order.pk]})["Location"]
    paths = {
        "orders": "/orders/?view=all",
        "filtered": "/orders/?q=error&period=60d&order=1001,none&category=!mapping&columns=created",
        "nothing": "/orders/?q=zzz",
        "unreadable": "/orders/?from=2026-02-31&order=%00&page=x",
        "order": f"{at}?view=all&attempts=1",
        "errors": "/errors/?period=30d",
        "error": error,
        "trends": "/trends/",
        "attempts": "/trends/?by=error&count=attempts&period=7d",
        "runbook": f"{error}runbook/",
        "pack": pack,
        "packs": "/packs/",
        "activity": "/activity/",
        "status": "/status/",
        "password": "/password/",
        "absent": "/nowhere/",
    }
    pages = {name: manager.get(path).content.decode() for name, path in paths.items()}
    pages["agent"] = agent.get("/orders/").content.decode()
    pages["login"] = Browser().get("/login/").content.decode()
    preview = {"text": "1. Do *this*", "preview": "1", "base": 0}
    pages["preview"] = manager.post(f"{error}runbook/", preview).content.decode()
    assert all("</html>" in page for page in pages.values())
    assert list(checker.faults(pages, tmp_path)) == []
