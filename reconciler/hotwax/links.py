"""Addresses: what HotWax's `site` leads to, and links into Shopify and HotWax. Pure.

No link holds a token, and `mask_keys` hides the `key=` of an order's page.
"""

import re
from functools import lru_cache, partial
from urllib.parse import quote, urlsplit

# The authority must end where browsers end it too: they take a backslash for a slash.
_WEB_ADDRESS = re.compile(r"https?://[^/?#\\\s\x00-\x20]+(?:[/?#]|\Z)", re.IGNORECASE)
_HOST = re.compile(r"[^\s\x00-\x20<>\"'`\\^{}|%]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
SHOPIFY = ".myshopify.com"


def host_of(site: str) -> str:
    """Host of an http(s) URL in lower case without port; "" if it is no such URL with a host.

    Stricter than a URL parser: what browsers and parsers read differently is no URL here.
    """
    if not _WEB_ADDRESS.match(site) or _CONTROL.search(site):
        return ""
    try:
        parts = urlsplit(site)
        host = parts.hostname or ""
        _ = parts.port  # a port that is no number raises
    except ValueError:
        return ""
    return host.lower() if _HOST.fullmatch(host) else ""


def link_of(site: str) -> str:
    """Return ``site`` byte for byte where it is an http(s) URL with a host, else ""."""
    return site if host_of(site) else ""


_ORDER_PAGE = re.compile(
    r"(?P<host>[\w-]{1,63}(?:\.[\w-]{1,63}){1,8})(?::\d{1,5})?/(?:[^\s?#<>\"']{1,200}/)?"
    r"orders/(?P<token>[0-9A-Za-z]{8,64})(?![0-9A-Za-z])",
)
_BEHIND_PATH = re.compile(
    r"(https?://[^\s?#]{1,500}|[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}(?::\d{1,5})?/[^\s?#]{0,500})[?#]\S*",
    re.IGNORECASE,
)


def order_page(text: str) -> tuple[str, str]:
    """Return host and token of the address of an order's page in a text; ("", "") if it has none.

    Shopify writes https://<shop>/<number>/orders/<token>, with /authenticate?key=… in e-mails.
    """
    found = _ORDER_PAGE.search(text)
    return (found["host"].lower(), found["token"]) if found else ("", "")


def is_shopify_id(text: str) -> bool:
    """Return True for what may be an order's number in Shopify's addresses, and is no order name.

    Shopify counts orders over all shops: the numbers have 9 digits or more.
    """
    return 9 <= len(text) <= 20 and text.isascii() and text.isdecimal()


def without_query(text: str) -> str:
    """Leave out what stands behind the path of addresses: there it may be a key."""
    return _BEHIND_PATH.sub(r"\1", text) if "/" in text else text


def admin_link(handle: str, order_name: str, shopify_id: str = "") -> str:
    """Link to an order in Shopify's admin, by its number there if it is known, else by a search.

    Returns "" where the handle is not known.
    """
    if handle and shopify_id:
        return f"https://admin.shopify.com/store/{_quoted(handle)}/orders/{_quoted(shopify_id)}"
    if not handle or not order_name:
        return ""
    query = quote(order_name, safe="")
    return f"https://admin.shopify.com/store/{_quoted(handle)}/orders?query={query}"


#: For what stands in many links.
_quoted = lru_cache(maxsize=256)(partial(quote, safe=""))


def import_screen(hotwax_url: str) -> str:
    """Link to HotWax's screen for importing Shopify orders again."""
    return f"{hotwax_url.rstrip('/')}/commerce/control/ShopifyImportData?configId=CRT_SHOPIFY_ORDER"


#: Tabs and line ends within an address mean nothing to browsers.
_GAP = r"[\t\r\n]*"
_LETTERS = ("(?:k|%6b|%4b)", "(?:e|%65|%45)", "(?:y|%79|%59)")
#: A parameter named key, in any spelling, of a URL's query; the value may open an order to anybody.
_KEY_VALUE = re.compile(
    rf"((?:[?&;]|%3f|%26|&amp;){_GAP}{_GAP.join(_LETTERS)}{_GAP}(?:=|%3d))([^\s&#\"'<>\\]+)",
    re.IGNORECASE,
)
_USER_INFO = re.compile(r"(\bhttps?:/{2})[^/?#\s\\@]+@", re.IGNORECASE)


def mask_keys(text: str) -> str:
    """Hide the value of ``key`` in the query of every URL in a text, and names and passwords."""
    if "@" in text:
        text = _USER_INFO.sub(r"\1•••@", text)
    return _KEY_VALUE.sub(r"\1•••", text) if "=" in text or "%" in text else text
