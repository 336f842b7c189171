"""Bounds of every reply, the login's too: its encoding, its size, the time to undo it.

A reply of 1.6 KB can hold 4 GB. So gzip alone is asked for, one layer of it is undone in small
steps, and size and deadline are looked at in each.
"""

import zlib
from collections.abc import Iterator

import httpx

from reconciler.hotwax import deadline
from reconciler.hotwax.exceptions import MalformedReply

#: A reply larger than this is refused (LEDGER.md §2).
SIZE_CAP = 64 * 1024 * 1024
STEP = 64 * 1024
#: zlib's way to say gzip.
_GZIP = 31


class BoundedTransport(httpx.BaseTransport):
    """Passes requests on, and bounds what comes back."""

    def __init__(self, transport: httpx.BaseTransport, size_cap: int = SIZE_CAP) -> None:
        self._transport, self._cap = transport, size_cap

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return a response whose body is undone as it is read. Raises MalformedReply."""
        response = self._transport.handle_request(request)
        encoding = response.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in ("", "identity", "gzip", "x-gzip"):
            response.close()
            raise MalformedReply(f"HotWax's answer is encoded as {encoding[:20]}, not as gzip.")
        headers = [
            (name, value)
            for name, value in response.headers.raw
            if name.lower() not in (b"content-encoding", b"content-length")
        ]
        assert isinstance(response.stream, httpx.SyncByteStream)
        body = _Body(response.stream, self._cap, is_gzip="gzip" in encoding)
        return httpx.Response(response.status_code, headers=headers, stream=body, request=request)

    def close(self) -> None:
        """Close the transport's connections."""
        self._transport.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream, cap: int, *, is_gzip: bool) -> None:
        self._stream, self._cap, self._is_gzip = stream, cap, is_gzip

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for part in self._undone() if self._is_gzip else self._stream:
            size += len(part)
            if size > self._cap:
                limit = self._cap // 1024 // 1024
                raise MalformedReply(f"HotWax's answer is larger than {limit} MB.")
            if deadline.has_passed():
                raise httpx.ReadTimeout("deadline")
            yield part

    def _undone(self) -> Iterator[bytes]:
        undo = zlib.decompressobj(_GZIP)
        try:
            for chunk in self._stream:
                part = undo.decompress(chunk, STEP)
                while part:
                    yield part
                    part = undo.decompress(undo.unconsumed_tail, STEP)
        except zlib.error:
            raise MalformedReply("HotWax's answer is no gzip, though it says so.") from None
        if not undo.eof:
            raise MalformedReply("HotWax's answer was cut short.")

    def close(self) -> None:
        self._stream.close()
