"""A database that cannot be written to: pages go on to answer, over real processes and files."""

import re
import sqlite3
from collections.abc import Iterator

import httpx
import pytest

from tests.browser.serving import Site, site_of

#: SQLite's own wait is 20 s: a page that waited for the lock would end in httpx.ReadTimeout.
SECONDS = 8


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with site_of(40) as served:
        yield served


@pytest.fixture
def visitor(site: Site) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site.url, timeout=SECONDS, trust_env=False) as client:
        form = client.get("/login/").text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
        assert token
        fields = {
            "username": "agent",
            "password": "agent",
            "csrfmiddlewaretoken": token[1],
        }
        assert client.post("/login/", data=fields).status_code == 302
        yield client


def test_while_another_process_holds_the_lock_pages_answer(
    site: Site, visitor: httpx.Client
) -> None:
    link = re.search(r"/orders/\d+/", visitor.get("/orders/").text)
    assert link
    database = sqlite3.connect(site.database, isolation_level=None)
    database.execute("UPDATE ledger_syncstate SET asked_at = NULL, caught_up_at = NULL")
    database.execute("BEGIN IMMEDIATE")
    for path in ("/orders/", link[0], "/errors/", "/trends/", "/status/", "/orders/?order=nobody"):
        page = visitor.get(path)
        assert page.status_code == 200
        assert "nothing new can be kept: another process holds" in page.text
    assert "could not be asked just now" in page.text
    assert visitor.get("/readyz").status_code == 200
    database.execute("COMMIT")
    database.close()
    assert "nothing new can be kept" not in visitor.get("/orders/").text
