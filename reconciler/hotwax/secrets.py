"""Hides secrets in texts: a server may echo what it was sent, in any form. Pure.

Hide first, cut afterwards: half a secret is not found.
"""

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

HIDDEN = "•••"
#: Shorter values are not searched for: they would be found in every text.
SHORTEST = 3
_BEARER = re.compile(r"(\bbearer(?:\s|%20|\+)+)[^\s\"'<>,;&]+", re.IGNORECASE)
#: A JSON Web Token: two or three parts in base64, the first one an object.
_JWT = re.compile(r"\beyJ[\w-]{8,}(?:\.[\w-]*){1,2}")


class Secrets:
    """Secrets in use, and how to hide them."""

    def __init__(self, values: Iterable[str]) -> None:
        forms = {form for value in values if len(value) >= SHORTEST for form in _forms(value)}
        # The longest first: one form may hold another.
        self._forms = sorted(forms, key=len, reverse=True)

    def hide(self, text: str) -> str:
        """Return the text without secrets, bearer tokens and anything shaped as a JWT."""
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        return _JWT.sub(HIDDEN, _BEARER.sub(rf"\1{HIDDEN}", text))


#: Hides what is recognised by its shape alone.
NO_SECRETS = Secrets(())


def _forms(value: str) -> set[str]:
    """Return a secret as it is, JSON-escaped once and twice, URL-encoded, and in base64."""
    once = json.dumps(value)[1:-1]
    once_unicode = json.dumps(value, ensure_ascii=False)[1:-1]
    data = value.encode()
    return {
        value,
        once,
        once_unicode,
        json.dumps(once)[1:-1],
        json.dumps(once_unicode, ensure_ascii=False)[1:-1],
        quote(value, safe=""),
        quote_plus(value),
        quote(value, safe="").lower(),
        base64.b64encode(data).decode().rstrip("="),
        base64.urlsafe_b64encode(data).decode().rstrip("="),
    }
