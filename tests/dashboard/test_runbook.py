"""Runbooks: a first text from what is known, edited by managers, filled in beside an order."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client as Browser
from django.utils import timezone
from django.utils.html import escape

from dashboard.markdown import _with_marks, rendered
from reconciler.ledger.models import ErrorSignature, Event, FailedOrder, SyncState
from reconciler.ledger.signatures import runbooks
from reconciler.ledger.signatures.rules import SignatureRules
from tests.conftest import HotWax
from tests.dashboard.conftest import Open, Page
from tests.makers import document

Keep = Callable[..., None]
STEP = "Once it is captured, import"


@pytest.fixture
def signature(keep: Keep) -> ErrorSignature:
    keep(document("#1001", error="Transaction is empty"), document("#1002", error="Odd <thing>"))
    return ErrorSignature.objects.get(template="Transaction is empty")


def url(signature: ErrorSignature) -> str:
    return f"/errors/{signature.slug}/"


def test_the_first_text_stands_beside_the_error_and_each_order_with_its_name_and_links(
    open_page: Open, signature: ErrorSignature
) -> None:
    assert f"{STEP} the order again" in open_page(url(signature)).root.one(class_="runbook").text
    order = FailedOrder.objects.get(order_name="#1001")
    runbook = open_page(f"/orders/{order.pk}/").root.one(class_="runbook")
    assert f"{STEP} #1001 again" in runbook.text
    hrefs = [a.get("href") for a in runbook.all("a")]
    assert order.site_url in hrefs and len(hrefs) == 2
    assert all(a.get("rel") == "noreferrer noopener" for a in runbook.all("a"))
    other = FailedOrder.objects.get(order_name="#1002")
    assert "Nobody has written down yet" in open_page(f"/orders/{other.pk}/").html


def test_managers_edit_it_and_its_history_is_kept(
    manager: Browser, open_page: Open, signature: ErrorSignature
) -> None:
    first = runbooks.runbook_of(signature).text
    edit = f"{url(signature)}runbook/"
    assert first.splitlines()[0] in manager.get(edit).content.decode()
    page = Page(manager.post(edit, {"text": "Call **Maya** about {order}", "base": 0}, follow=True))
    assert "The runbook is saved." in page.html
    assert page.root.one(class_="runbook").one("strong").text == "Maya"
    manager.post(edit, {"text": "Second\r\ntext", "base": 1})
    page = open_page(f"{url(signature)}?revision=1")
    assert "Call Maya about the order" in page.root.one(class_="runbook").text
    assert "earlier text" in page.html
    assert "Revision 2" in page.html and "First text" in page.html
    assert "Call **Maya**" in manager.get(f"{edit}?revision=1").content.decode()
    assert STEP in manager.get(f"{edit}?revision=0").content.decode()
    assert [(e.actor, e.before, e.after) for e in Event.objects.order_by("pk")] == [
        ("priya", "first text", "revision 1"),
        ("priya", "revision 1", "revision 2"),
    ]
    same = manager.post(edit, {"text": "Second\ntext ", "base": 2}, follow=True)
    assert "says already" in same.content.decode()
    assert signature.revisions.count() == 2


def test_two_who_edit_at_once_lose_nothing(manager: Browser, signature: ErrorSignature) -> None:
    edit = f"{url(signature)}runbook/"
    manager.post(edit, {"text": "Theirs", "base": 0})
    answer = manager.post(edit, {"text": "Mine & <mine>", "base": 0})
    page = Page(answer)
    assert page.status == 409
    assert page.root.one("textarea").text == "Mine & <mine>"
    assert "Theirs" in page.root.one("pre").text
    assert page.root.one("input", name="base").get("value") == "1"
    assert runbooks.runbook_of(signature).text == "Theirs"
    manager.post(edit, {"text": "Theirs, mine", "base": 1})
    assert runbooks.runbook_of(signature).text == "Theirs, mine"


def test_what_cannot_be_saved_is_said_and_kept(manager: Browser, signature: ErrorSignature) -> None:
    edit = f"{url(signature)}runbook/"
    page = Page(manager.post(edit, {"text": "x" * 20_001, "base": 0}))
    assert page.status == 400
    assert len(page.root.one("textarea").text) == 20_001
    preview = Page(manager.post(edit, {"text": "Try *this*", "base": 0, "preview": "1"}))
    assert preview.root.one(class_="runbook").one("em").text == "this"
    assert not Event.objects.exists()


def test_only_managers_and_admins_may(
    browser: Browser, manager: Browser, signature: ErrorSignature
) -> None:
    edit = f"{url(signature)}runbook/"
    assert browser.get(edit).status_code == 403
    assert browser.post(edit, {"text": "x", "base": 0}).status_code == 403
    assert browser.post(f"{url(signature)}kind/", {"category": "data"}).status_code == 403
    assert "Edit" not in Page(browser.get(url(signature))).root.one("aside").text
    kind = {"category": "mapping", "retry": "no"}
    manager.post(f"{url(signature)}kind/", kind)
    signature.refresh_from_db()
    assert (signature.category, signature.corrected_by) == ("mapping", "priya")
    assert not signature.revisions.exists()


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("{order}", "<p>&lt;b&gt; *x* [y](z)</p>"),
        ("`{order}`", "<p><code>&lt;b&gt; *x* [y](z)</code></p>"),
        ("[in {order}]({shop})", "<p>in &lt;b&gt; *x* [y](z)</p>"),
        ("[here]({admin})", "<p>here</p>"),
        ("{admin} {unknown}", "<p>the Shopify admin {unknown}</p>"),
        ("# Title", "<h3>Title</h3>"),
        (
            "![pic](https://x.example/p.png)",
            '<p>!<a href="https://x.example/p.png" target="_blank" '
            'rel="noreferrer noopener">pic</a></p>',
        ),
        (
            "[x](https://a.example/?o={order})",
            '<p><a href="https://a.example/?o=%3Cb%3E%20%2Ax%2A%20%5By%5D%28z%29" target="_blank" '
            'rel="noreferrer noopener">x</a></p>',
        ),
        (
            "[s]({shopify})",
            '<p><a href="https://s.example/?a=1&amp;b=2" target="_blank" '
            'rel="noreferrer noopener">s</a></p>',
        ),
    ],
)
def test_markdown_is_rendered_safely(text: str, html: str) -> None:
    values = {"order": "<b> *x* [y](z)", "shopify": "https://s.example/?a=1&b=2"}
    assert rendered(text, values).strip() == html


def test_texts_outlive_a_regrouping(hotwax_of: Callable[..., HotWax], manager: Browser) -> None:

    hotwax = hotwax_of([document("#1", error="One"), document("#2", error="Two")])
    hotwax.sync()
    for number, name in enumerate(("One", "Two", "One"), 1):
        found: Any = ErrorSignature.objects.get(template=name)
        base = found.revisions.count()
        manager.post(f"{url(found)}runbook/", {"text": f"{name} {number}", "base": base})
    old = {s.template: s.slug for s in ErrorSignature.objects.all()}
    hotwax.changes = {"rules": SignatureRules(99, ((r".+", "Merged"),))}
    hotwax.sync()
    merged = ErrorSignature.objects.get()
    history = runbooks.runbook_history(merged)
    assert [(book.number, book.text) for book in history] == [
        (3, "One 3"),
        (2, "Two 2"),
        (1, "One 1"),
        (0, ""),
    ]
    for slug in old.values():
        assert manager.get(f"/errors/{slug}/")["Location"] == url(merged)


def test_the_text_written_last_counts_whatever_the_order_of_rows(signature: ErrorSignature) -> None:
    other = ErrorSignature.objects.exclude(pk=signature.pk).get()
    now = timezone.now()
    runbooks.edit_runbook(signature.pk, "Last", 0, "a", now)
    runbooks.edit_runbook(other.pk, "First", 0, "b", now - timedelta(days=1))
    runbooks.hand_over(other, signature)
    assert [book.text for book in runbooks.runbook_history(signature)][:2] == ["Last", "First"]


def test_an_end_of_line_is_one_character(manager: Browser, signature: ErrorSignature) -> None:
    text = "x\n" * 9_999 + "xx"
    assert len(text) == 20_000
    data = {"text": text.replace("\n", "\r\n"), "base": 0}
    assert manager.post(f"{url(signature)}runbook/", data).status_code == 302
    assert runbooks.runbook_of(signature).text == text


def test_a_text_is_parsed_once_and_each_order_has_its_own_values() -> None:

    text = "See **{order}** of {shop}, [{admin}](https://x.example/?q={order}) `{order}`\n\n" * 200
    _with_marks.cache_clear()
    for order in ("#1 <b>", "#2&{shop}"):
        values = {"order": order, "shop": "a.example", "admin": 'https://a.example/"x'}
        html = rendered(text, values)
        name = escape(order)
        assert f"<strong>{name}</strong> of a.example" in html
        assert f"https://x.example/?q={quote(order, safe='')}" in html
        assert f"<code>{name}</code>" in html
        assert "<b>" not in html
    assert _with_marks.cache_info().misses == 1
    assert "the order" in rendered(text, {})


def test_each_edit_is_an_event_and_a_change_of_the_ledger(signature: ErrorSignature) -> None:
    before = SyncState.objects.get().revision
    now = timezone.now()
    assert runbooks.edit_runbook(signature.pk, "\n\n  - One\r\n \n", 0, "ana", now)
    assert SyncState.objects.get().revision == before + 1
    assert not runbooks.edit_runbook(signature.pk, "  - One", 1, "ana", now)
    assert SyncState.objects.get().revision == before + 1
    assert runbooks.edit_runbook(signature.pk, "Two", 1, "ben", now)
    events = Event.objects.order_by("pk").values_list("kind", "actor", "at", "before", "after")
    assert list(events) == [
        ("runbook", "ana", now, "first text", "revision 1"),
        ("runbook", "ben", now, "revision 1", "revision 2"),
    ]
    assert [book.text for book in runbooks.runbook_history(signature)][:2] == ["Two", "  - One"]


def test_the_form_as_the_page_draws_it_saves_the_first_text(
    keep: Callable[..., None], manager: Browser
) -> None:
    keep(document("#1"))
    path = f"/errors/{ErrorSignature.objects.get().slug}/runbook/"
    page = Page(manager.get(path))
    sent = {"base": page.root.one("input", name_="base").get("value"), "text": "Do *this*"}
    assert sent["base"] == "0"
    answer = manager.post(path, sent)
    assert answer.status_code == 302
    assert Page(manager.get(path)).root.one("input", name_="base").get("value") == "1"
