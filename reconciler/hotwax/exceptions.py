"""What can go wrong when HotWax is asked.

    HotWaxError
    ├── Unreachable         nothing came back: refused, reset, name, TLS, time-out
    │   └── Unavailable     HotWax or a proxy before it says "not now": 429, 5xx
    ├── CredentialsRefused  401, 403, a login page
    ├── RequestRefused      HotWax understood and said no: Solr's 400, an _ERROR_MESSAGE_
    ├── MalformedReply      something that is no Solr reply: HTML, broken JSON, no documents
    └── IncompleteReply     a Solr reply that says, or shows, that a part is missing

The text of each error is for a person: what happened and, in ``remedy``, what to do.
Neither holds a token nor the ``key=`` of an order's URL.
"""

from typing import ClassVar

from reconciler.hotwax.secrets import Secrets


class HotWaxError(Exception):
    """Base of everything that asking HotWax can raise."""

    remedy: ClassVar[str] = "Look at HotWax, then try again."
    #: Asking again soon may help (see LEDGER.md §2: what the watcher retries).
    may_retry: bool = False
    #: The answer was no Solr reply, so HOTWAX_METHOD=auto may try the next method.
    not_solr: bool = False
    #: The HTTP status of the answer; None where none came back.
    status: int | None = None

    def __init__(
        self,
        message: str,
        *,
        may_retry: bool = False,
        not_solr: bool = False,
        retry_after: float | None = None,
    ) -> None:
        """``retry_after``: seconds that HotWax asked us to wait, if it did."""
        super().__init__(message)
        self.may_retry = may_retry
        self.not_solr = not_solr
        self.retry_after = retry_after

    def hide(self, secrets: Secrets) -> None:
        """Take secrets out of the text."""
        self.args = (secrets.hide(str(self)),)


class Unreachable(HotWaxError):
    """No answer came back."""

    remedy = "Check HOTWAX_URL, the network and whether the instance is up."


class Unavailable(Unreachable):
    """An answer that says "not now": 429 or 5xx."""

    remedy = "Usually passes. If it stays, ask HotWax whether the instance is healthy."


class CredentialsRefused(HotWaxError):
    """401, 403, or a login page in place of an answer."""

    remedy = (
        "Make a new token in the OMS (Settings → Create JWT Token) and set HOTWAX_TOKEN, "
        "or check HOTWAX_USERNAME and HOTWAX_PASSWORD; then restart."
    )


class RequestRefused(HotWaxError):
    """HotWax read the request and refused it."""

    remedy = "Check HOTWAX_CORE and HOTWAX_DOC_TYPE. The reason above is HotWax's own."


class MalformedReply(HotWaxError):
    """An answer that is no Solr reply."""

    remedy = "Check that HOTWAX_URL is the OMS itself and that HOTWAX_METHOD fits it."


class IncompleteReply(HotWaxError):
    """A Solr reply of which a part is missing; none of it is believed to be the whole."""

    remedy = "A shard of HotWax's Solr may be down. Nothing is lost; the next try reads it again."
