"""The web server: waitress, which reads requests whole before a thread works on them.

So however slowly clients send, threads are busy with pages only. What waitress lets be unbounded
is bounded here: the time that a request may take to arrive, and that an answer may stand still.
"""

import gc
import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.template import TemplateDoesNotExist, TemplateSyntaxError, engines
from django.urls import get_resolver
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.utilities import RequestHeaderFieldsTooLarge

#: Seconds for a request to arrive, from its first byte to its last.
READ_SECONDS = 20
#: Seconds for which a connection may do nothing, or a client may take nothing of an answer.
IDLE_SECONDS = 60
#: Bytes of a request line with its headers, and of a body. Bodies up to this stay in memory.
LONGEST_HEAD = 256 * 1024
LONGEST_BODY = 1024 * 1024

SETTINGS: dict[str, Any] = {
    "threads": 8,
    "connection_limit": 800,
    "channel_timeout": IDLE_SECONDS,
    "cleanup_interval": 2,
    "max_request_header_size": LONGEST_HEAD,
    "max_request_body_size": LONGEST_BODY,
    "inbuf_overflow": LONGEST_BODY,
    "asyncore_use_poll": True,
    "log_socket_errors": False,
    # Django decides what to believe of a proxy (SECURE_PROXY_SSL_HEADER, TRUSTED_PROXIES).
    "clear_untrusted_proxy_headers": False,
    "ident": None,
}


class AddressTooLong(RequestHeaderFieldsTooLarge):
    """A request line that does not end within LONGEST_HEAD."""

    code = 414
    reason = "URI Too Long"


class Parser(HTTPRequestParser):
    """Tells a request line that is too long from headers that are."""

    error: Any

    def received(self, data: bytes) -> int:
        """Take the next bytes; return how many were used."""
        used: int = super().received(data)
        if isinstance(self.error, RequestHeaderFieldsTooLarge) and b"\n" not in self.header_plus:
            self.error = AddressTooLong("This address is too long.")
        return used


class Channel(HTTPChannel):
    """A connection that knows since when a request is arriving."""

    parser_class = Parser
    #: When the first byte came of a request that has not arrived yet (`time.time`); else None.
    arriving_since: float | None = None
    #: Since when the client has taken nothing of an answer that is there (`time.time`); else None.
    standing_since: float | None = None

    def handle_read(self) -> None:
        """Take what came."""
        super().handle_read()
        if self.request is None:
            self.arriving_since = None
        elif self.arriving_since is None:
            self.arriving_since = time.time()

    def takes_nothing(self, now: float, seconds: float) -> bool:
        """Return True if the client has taken nothing for so long; ``now`` is `time.time`.

        How long its request waited for a thread does not count.
        """
        if not self.total_outbufs_len:
            self.standing_since = None
        elif self.standing_since is None or self.last_activity > self.standing_since:
            self.standing_since = now
        return self.standing_since is not None and now - self.standing_since > seconds


class Server(TcpWSGIServer):
    """Closes connections whose client sends or takes too slowly; ends with its parent."""

    channel_class = Channel
    read_seconds: float = READ_SECONDS
    #: The process that started this one; 0 where nobody is to be outlived.
    parent = 0

    def maintenance(self, now: float) -> None:
        """Do waitress's own (it closes idle connections), and ours; ``now`` is `time.time`."""
        if self.parent and os.getppid() != self.parent:
            raise SystemExit
        super().maintenance(now)
        for channel in list(self.active_channels.values()):
            since = None if channel.requests else channel.arriving_since
            if since is not None and now - since > self.read_seconds:
                channel.will_close = True
            elif channel.takes_nothing(now, self.adj.channel_timeout):
                # It may never become writable again, and a thread may be waiting for that.
                channel.handle_close()


def listen(port: int) -> socket.socket:
    """Listen on a port of loopback; several processes may share the socket. Raises OSError."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.setblocking(False)
    return listener


def server_on(
    listener: socket.socket, application: Any, *, parent: int = 0, **changes: Any
) -> Server:
    """Return a server on a socket; ``run()`` serves until SystemExit.

    ``changes`` are settings of waitress that differ from SETTINGS.
    """
    sockinfo = (listener.family, listener.type, listener.proto, listener.getsockname())
    server = Server(
        application,
        _sock=listener,
        adj=Adjustments(**{**SETTINGS, **changes}),
        sockinfo=sockinfo,
        bind_socket=False,
    )
    server.parent = parent
    return server


def settle() -> None:
    """Load every view and template, and let the garbage collector look at none of it again.

    That costs a page up to 10 ms otherwise. Processes that are forked afterwards share it all,
    and nobody's first page waits.
    """
    list(get_resolver().url_patterns)
    for engine in engines.all():
        for folder in map(Path, engine.dirs):
            for template in folder.rglob("*.html"):
                with suppress(TemplateDoesNotExist, TemplateSyntaxError):  # the other engine's
                    engine.get_template(str(template.relative_to(folder)))
    gc.collect()
    gc.freeze()
