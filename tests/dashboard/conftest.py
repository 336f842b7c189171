"""A ledger to look at, and pages read as a stranger reads them."""

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import OperationalError, connection
from django.db.models import F
from django.test import Client as Browser
from lxml import etree

from reconciler.hotwax.documents import Reading, read_document
from reconciler.ledger.intake import upsert
from reconciler.ledger.models import SyncState
from reconciler.ledger.signatures.rules import RULES, slug_of
from reconciler.ledger.sync.syncer import documents_kept
from tests.clock import NOW
from tests.conftest import BACKEND
from tests.makers import document

VOID = {"input", "br", "meta", "link", "path", "circle", "use", "rect", "hr", "img"}
#: A tag as our templates write them: what an attribute holds is escaped.
TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)[^>]*>")


class Element:
    """An element of a page, as lxml has read it."""

    def __init__(self, node: Any) -> None:
        self._node = node

    @property
    def tag(self) -> str:
        return self._node.tag

    @property
    def attributes(self) -> dict[str, str]:
        return dict(self._node.attrib)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._node.itertext()).split())

    @property
    def parent(self) -> "Element | None":
        above = self._node.getparent()
        return None if above is None else Element(above)

    def all(self, tag: str = "", **attributes: str) -> list["Element"]:
        """Elements below with this tag and these attributes; `_` in a name stands for `-`."""
        path, values = f".//{tag or '*'}", {}
        for number, (name, value) in enumerate(attributes.items()):
            attribute = name.rstrip("_").replace("_", "-")
            path += f"[@{attribute}]" if value is ... else f"[@{attribute}=$v{number}]"
            values[f"v{number}"] = value if isinstance(value, str) else ""
        return [Element(node) for node in self._node.xpath(path, **values)]

    def one(self, tag: str = "", **attributes: str) -> "Element":
        found = self.all(tag, **attributes)
        assert len(found) == 1, (tag, attributes, len(found))
        return found[0]

    def get(self, name: str) -> str:
        return self._node.get(name, "")


def parse(html: str) -> Element:
    """Read a page or a part of one; each element must be closed, and in order."""
    _must_be_closed(html)
    root = etree.Element("page")
    if html.strip():
        reader = etree.HTMLParser(remove_comments=True, encoding="utf-8")
        root.append(etree.fromstring(html.encode(), reader))
    return Element(root)


def _must_be_closed(html: str) -> None:
    stack: list[str] = []
    for tag in TAG.finditer(html):
        end, name = tag.groups()
        if name in VOID or tag[0].endswith("/>"):
            continue
        if not end:
            stack.append(name)
            continue
        assert stack, f"</{name}> closes nothing"
        opened = stack.pop()
        assert opened == name, f"</{name}> closes <{opened}>"
    assert not stack, f"{stack} are not closed"


class Page:
    def __init__(self, response: Any) -> None:
        self.response = response
        self.status = response.status_code
        self.html = response.content.decode()
        self.root = parse(self.html)

    @property
    def names(self) -> list[str]:
        return [row.get("data-order-name") for row in self.root.all("tr", data_order_id=...)]  # type: ignore[arg-type]

    @property
    def total(self) -> int:
        return int(self.root.one(data_total=...).get("data-total"))  # type: ignore[arg-type]


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, quiet: None) -> Open:
    return lambda url, **headers: Page(browser.get(url, headers=headers or None))


@pytest.fixture
def keep(quiet: None) -> Callable[..., None]:
    """Put documents into the ledger."""

    def put(*raws: dict[str, Any]) -> None:
        read = [read_document(raw, "SHOPIFY_ORDER", Reading()) for raw in raws]
        upsert(read, NOW)  # type: ignore[arg-type]
        count = documents_kept()
        SyncState.objects.update(kept=count, found=count, revision=F("revision") + 1)

    return put


@pytest.fixture
def manager(db: None) -> Browser:
    user = User.objects.create_user("priya")
    user.groups.add(Group.objects.get(name="Manager"))
    client = Browser()
    client.force_login(user, backend=BACKEND)
    return client


#: What is known of errors C and D stands inside of them.
KNOWN = (
    "",
    "",
    ": Deadlock found when trying to get lock; try restarting transaction",
    ": Product not exist",
)


@pytest.fixture
def ledger(keep: Callable[..., None]) -> list[dict[str, Any]]:
    """Sixty orders of three shops with four errors, two of them known, and a nameless one."""
    raws = []
    for i in range(60):
        host, shop = [("a.myshopify.com", "1"), ("b.myshopify.com", "2"), ("www.c.com", "3")][i % 3]
        raws.append(
            document(
                f"#{1000 + i}",
                document_id=f"d{i}",
                logged=NOW - timedelta(hours=20 * i + 1),
                error=f"Error {'ABCD'[i % 4]} at row {i}{KNOWN[i % 4]}",
                host=host,
                shop_id=shop,
            )
        )
    raws.append(document("#1003", document_id="again", logged=NOW - timedelta(hours=2)))
    raws.append(
        document(
            "#1005",
            document_id="again5",
            logged=NOW - timedelta(minutes=30),
            host="www.c.com",
            shop_id="3",
        )
    )
    raws.append(document("", document_id="nameless", logged=NOW - timedelta(days=4)))
    keep(*raws)
    return raws


def slug(text: str) -> str:
    """The slug of an error's signature."""
    return slug_of(RULES.template_of(text))


def rows_of(browser: Browser, query: str) -> list[list[str]]:
    """Rows of an export with what is said before its headings."""
    response = browser.get(f"/orders/export.csv?meta=1&{query.removeprefix('?')}")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith("attachment")
    text = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    return list(csv.reader(io.StringIO(text)))


def failing_at_the_second_slice() -> Any:
    """A block in which the database fails when an export reads on after its first slice."""
    read: list[int] = []

    def failing(execute: Any, sql: str, *rest: Any) -> Any:
        if "LEFT JOIN ledger_attempt" in sql:
            read.append(1)
            if len(read) > 1:
                raise OperationalError("disk I/O error")
        return execute(sql, *rest)

    return connection.execute_wrapper(failing)


def latest(raws: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """The latest document of each order, by shop id and name, from the raw documents."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for raw in sorted(raws, key=lambda r: (r["timestamp"], r["document-id"])):
        shop = raw["site"].split("/")[3] if "myshopify" in raw["site"] else "c"
        found[shop, raw["shopifyOrderName"] or raw["document-id"]] = raw
    return found
