"""HotWax's screen "Import Shopify Order(s)", as far as the miniature has it: a page of its own."""

from collections.abc import Iterable
from html import escape

PATH = "/commerce/control/ShopifyImportData"
#: As many names as the import job takes in one go.
MOST_NAMES = 100
WORDS = {
    "imported": "imported",
    "there": "is in the OMS already",
    "failed": "failed again: its cause must be fixed first",
    "unknown": "is no order that failed",
}

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">
<title>Import Shopify orders – HotWax in miniature</title>
<style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }}
body {{ max-width: 40rem; margin: 3rem auto; padding: 0 1rem; }}
textarea {{ width: 100%; box-sizing: border-box; font: 14px/1.5 ui-monospace, monospace; }}
button {{ font: inherit; padding: .4rem 1rem; }}
</style>
<h1>Import Shopify orders</h1>
<p>HotWax in miniature: this stands for the OMS's own screen. It imports what can be imported.</p>
{outcome}
<form method="post">
<p><label for="names">Order names, one a line, at most {most}</label></p>
<textarea id="names" name="names" rows="10" required>{names}</textarea>
<p><label><input type="checkbox" name="fixed" value="1"> Their cause was fixed</label></p>
<p><button>Import</button></p>
</form>
</html>
"""


def names_in(text: str) -> list[str]:
    """Return the names of a text, one a line, each once."""
    names = dict.fromkeys(line.strip() for line in text.splitlines())
    return [name for name in names if name][:MOST_NAMES]


def page(outcome: Iterable[tuple[str, str]] = (), names: str = "") -> str:
    """Draw the screen; ``outcome`` says of each name what became of it (a key of WORDS)."""
    rows = "".join(f"<li><b>{escape(name)}</b> {WORDS[became]}</li>" for name, became in outcome)
    told = f"<ul>{rows}</ul>" if rows else ""
    return _PAGE.format(outcome=told, most=MOST_NAMES, names=escape(names))
