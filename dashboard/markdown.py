"""Runbooks: Markdown -> HTML that is safe, with placeholders filled in.

Placeholders are put in after the text was parsed, so that no order name can become markup.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from html import unescape
from secrets import token_hex
from urllib.parse import quote, unquote

import nh3
from django.utils.html import escape, strip_tags
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reconciler import service

#: Placeholder -> what it says where no order is there to fill it in, or no link is known.
PLACEHOLDERS = {
    "order": "the order",
    "shop": "the shop",
    "shopify": "the order’s page in Shopify",
    "admin": "the Shopify admin",
    "import": "the HotWax import screen",
}
LINKS = ("shopify", "admin", "import")
_PLACEHOLDER = re.compile(r"\{(" + "|".join(PLACEHOLDERS) + r")\}")
#: Headings stand below those of the page.
HEADINGS_BEGIN_AT = 3
_TAGS = {"a", "blockquote", "br", "code", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p"}
_TAGS |= {"pre", "strong", "ul"}
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).disable("image")

Values = dict[str, str]


def values_of(order: service.FailedOrder) -> Values:
    """Return the values of placeholders beside an order, without those that are not known."""
    values = {
        "order": order.order_name,
        "shop": order.shop.name if order.shop.name != "none" else "",
        "shopify": service.link_of(order.site_url),
        "admin": service.admin_link(order.shop.handle, order.order_name),
        "import": service.import_link(),
    }
    return {name: value for name, value in values.items() if value}


def without_order() -> Values:
    """Return the values of placeholders where there is no order."""
    return {"import": service.import_link()}


def words_of(text: str) -> str:
    """Return the words of a Markdown text without its marks, in one line. Not safe as HTML."""
    return " ".join(unescape(strip_tags(rendered(text, {}))).split())


def rendered(text: str, values: Values) -> SafeString:
    """Render Markdown; raw HTML in it is shown as text, and only known tags are let through.

    A text is parsed and cleaned once a process; after that only values are filled in.
    """
    html = _with_marks(text, frozenset(values))
    return mark_safe(_MARK.sub(lambda mark: _value(mark, values), html))  # noqa: S308 - see _value


#: Stands for a value in cached HTML. Nobody who writes a runbook can know it.
_NONCE = token_hex(8)
#: Whole addresses, words, and parts of addresses are written differently.
_MARKS = {
    "address": f"https://{_NONCE}.%s.address.invalid",
    "word": f"{_NONCE}.%s.word",
    "part": f"{_NONCE}.%s.part",
}
_MARK = re.compile(
    rf"https://{_NONCE}\.([a-z]+)\.(address)\.invalid|{_NONCE}\.([a-z]+)\.(word|part)"
)


def _value(mark: re.Match[str], values: Values) -> str:
    """Return a value as HTML. Those of LINKS are http(s) addresses (service.link_of)."""
    name, use = mark[1] or mark[3], mark[2] or mark[4]
    return quote(values[name], safe="") if use == "part" else escape(values[name])


@lru_cache(maxsize=256)
def _with_marks(text: str, names: frozenset[str]) -> str:
    """Render a text with marks in place of the values of these names."""
    values = {name: _MARKS["address" if name in LINKS else "word"] % name for name in names}
    tokens = _MARKDOWN.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + HEADINGS_BEGIN_AT - 1, 6)}"
        elif token.type in ("fence", "code_block"):
            token.content = _in_words(token.content, values)
        elif token.children:
            token.children = list(_filled(token.children, values))
    return nh3.clean(
        _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}),
        tags=_TAGS,
        attributes={"a": {"href", "title"}, "ol": {"start"}},
        set_tag_attribute_values={"a": {"target": "_blank"}},
        link_rel="noreferrer noopener",
        url_schemes={"http", "https", "mailto"},
    )


def _filled(tokens: list[Token], values: Values) -> Iterator[Token]:
    """Fill in placeholders; a link whose address is not known becomes its text."""
    dropped: list[bool] = []  # of the links that are open: is this one left out?
    for token in tokens:
        if token.type == "link_open":
            name = _PLACEHOLDER.fullmatch(unquote(str(token.attrs.get("href", ""))))
            href = values.get(name[1], "") if name else _in_address(token, values)
            token.attrs["href"] = href
            dropped.append(bool(name and name[1] not in (values.keys() & set(LINKS))))
            if not dropped[-1]:
                yield token
        elif token.type == "link_close":
            if not dropped.pop():
                yield token
        elif token.type == "text" and not dropped:
            yield from _linked(token, values)
        else:
            token.content = _in_words(token.content, values)
            yield token


def _in_address(token: Token, values: Values) -> str:
    """Fill in order and shop where they are a part of an address."""

    def quoted(match: re.Match[str]) -> str:
        return _MARKS["part"] % match[1] if match[1] in values else ""

    return re.sub(r"%7B(order|shop)%7D", quoted, str(token.attrs.get("href", "")))


def _linked(token: Token, values: Values) -> Iterator[Token]:
    """Split a text at its placeholders; those that are links become links."""
    for number, part in enumerate(_PLACEHOLDER.split(token.content)):
        if number % 2 == 0:
            yield _text(part)
        elif part in LINKS and part in values:
            yield Token("link_open", "a", 1, attrs={"href": values[part]})
            yield _text(PLACEHOLDERS[part])
            yield Token("link_close", "a", -1)
        else:
            yield _text(values.get(part, PLACEHOLDERS[part]))


def _in_words(text: str, values: Values) -> str:
    def word(match: re.Match[str]) -> str:
        name = match[1]
        return PLACEHOLDERS[name] if name in LINKS else values.get(name, PLACEHOLDERS[name])

    return _PLACEHOLDER.sub(word, text)


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)
