"""A ledger to look at, and pages read as a stranger reads them."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db.models import F
from django.test import Client as Browser

from reconciler.hotwax.documents import Reading, read_document
from reconciler.ledger.intake import upsert
from reconciler.ledger.models import SyncState
from reconciler.ledger.signatures.rules import RULES, slug_of
from reconciler.ledger.sync.syncer import documents_kept
from tests.clock import NOW
from tests.conftest import BACKEND
from tests.makers import document

VOID = {"input", "br", "meta", "link", "path", "circle", "use", "rect", "hr", "img"}


class Element:
    def __init__(self, tag: str, attributes: dict[str, str], parent: "Element | None") -> None:
        self.tag, self.attributes, self.parent = tag, attributes, parent
        self.children: list[Element] = []
        self.texts: list[str] = []

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def all(self, tag: str = "", **attributes: str) -> list["Element"]:
        """Elements below with this tag and these attributes; `_` in a name stands for `-`."""
        wanted = {name.rstrip("_").replace("_", "-"): v for name, v in attributes.items()}
        found = []
        for child in self.children:
            same = all(
                child.attributes.get(k) == v if v is not ... else k in child.attributes
                for k, v in wanted.items()
            )
            if same and (not tag or child.tag == tag):
                found.append(child)
            found += child.all(tag, **attributes)
        return found

    def one(self, tag: str = "", **attributes: str) -> "Element":
        found = self.all(tag, **attributes)
        assert len(found) == 1, (tag, attributes, len(found))
        return found[0]

    def get(self, name: str) -> str:
        return self.attributes.get(name, "")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.here = Element("", {}, None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {k: v or "" for k, v in attrs}, self.here)
        self.here.children.append(element)
        if tag not in VOID:
            self.here = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.here.children.append(Element(tag, {k: v or "" for k, v in attrs}, self.here))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        assert self.here.tag == tag, f"</{tag}> closes <{self.here.tag}>"
        assert self.here.parent is not None
        self.here = self.here.parent

    def handle_data(self, data: str) -> None:
        element: Element | None = self.here
        while element is not None:
            element.texts.append(data)
            element = element.parent


def parse(html: str) -> Element:
    reader = _Reader()
    reader.feed(html)
    assert reader.here is reader.root, f"<{reader.here.tag}> is not closed"
    return reader.root


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


def latest(raws: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """The latest document of each order, by shop id and name, from the raw documents."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for raw in sorted(raws, key=lambda r: (r["timestamp"], r["document-id"])):
        shop = raw["site"].split("/")[3] if "myshopify" in raw["site"] else "c"
        found[shop, raw["shopifyOrderName"] or raw["document-id"]] = raw
    return found
