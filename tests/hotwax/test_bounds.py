"""A small reply that holds gigabytes, encodings that nobody asked for, a name server that hangs."""

import gzip
import json
import socket
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from reconciler.hotwax import requests
from reconciler.hotwax.bounds import BoundedTransport
from reconciler.hotwax.client import Client, Endpoint
from reconciler.hotwax.exceptions import HotWaxError, MalformedReply, Unreachable
from tests.makers import SAMPLE, envelope

OK = json.dumps(envelope([SAMPLE])).encode()
ASKED = requests.documented(requests.Log())


def client(body: bytes, **headers: str) -> Client:
    """A client of a HotWax that always answers this, byte for byte."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def handle(request: httpx.Request) -> httpx.Response:
        assert request.headers["Accept-Encoding"] == "gzip"
        return httpx.Response(200, headers=named, stream=Stream(body))

    return Client(Endpoint("https://x.hotwax.io"), httpx.MockTransport(handle))


class Stream(httpx.SyncByteStream):
    def __init__(self, body: bytes) -> None:
        self.body = body

    def __iter__(self) -> Iterator[bytes]:
        for i in range(0, len(self.body), 1000):
            yield self.body[i : i + 1000]


def test_gzip_is_undone() -> None:
    assert client(gzip.compress(OK), Content_Encoding="gzip").ask(ASKED, "GET").found == 1
    assert client(OK).ask(ASKED, "GET").found == 1


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip", "gzip, br", "x" * 99])
def test_any_other_encoding_is_refused_before_it_is_undone(encoding: str) -> None:
    with pytest.raises(MalformedReply, match="encoded as"):
        client(gzip.compress(OK), Content_Encoding=encoding).ask(ASKED, "GET")


def test_one_layer_is_undone_and_no_more() -> None:
    twice = gzip.compress(gzip.compress(OK))
    with pytest.raises(HotWaxError, match="cannot be read as JSON"):
        client(twice, Content_Encoding="gzip").ask(ASKED, "GET")


def bomb(megabytes: int) -> bytes:
    """Zeros that gzip makes a thousand times smaller."""
    pack = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(1024 * 1024)
    return b"".join(pack.compress(block) for _ in range(megabytes)) + pack.flush()


def test_a_bomb_is_left_at_the_cap_and_takes_no_more_memory_than_that() -> None:
    packed = bomb(600)
    tracemalloc.start()
    with pytest.raises(MalformedReply, match="larger than 64 MB"):
        client(packed, Content_Encoding="gzip").ask(ASKED, "GET")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150 * 1024 * 1024


def test_the_deadline_is_looked_at_while_a_reply_is_undone() -> None:
    packed = Stream(bomb(600))
    headers = {"Content-Encoding": "gzip"}
    inner = httpx.MockTransport(lambda request: httpx.Response(200, headers=headers, stream=packed))
    asking = Client(Endpoint("https://x.hotwax.io"), inner)
    asking._http._transport = BoundedTransport(inner, size_cap=10**12)
    began = time.monotonic()
    with pytest.raises(Unreachable, match="did not answer within"):
        asking.ask(ASKED, "GET", timeout=0.1)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("body", [OK, gzip.compress(OK)[:-20], b"\x1f\x8b"])
def test_what_is_no_gzip_or_was_cut_short_is_said(body: bytes) -> None:
    with pytest.raises(MalformedReply, match=r"no gzip|cut short"):
        client(body, Content_Encoding="gzip").ask(ASKED, "GET")


def test_a_bomb_is_refused_at_the_login_too() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Stream(bomb(100)))

    endpoint = Endpoint("https://x.hotwax.io", username="me", password="p4ssw0rd!")
    with pytest.raises(MalformedReply, match="larger than 64 MB"):
        Client(endpoint, httpx.MockTransport(handle)).ask(ASKED, "GET")


def test_a_name_server_that_hangs_falls_under_the_deadline(monkeypatch: Any) -> None:
    def hang(*args: Any, **kwargs: Any) -> list[Any]:
        time.sleep(5)
        return []

    # The resolver is the operating system's, not ours.
    monkeypatch.setattr(socket, "getaddrinfo", hang)
    began = time.monotonic()
    with pytest.raises(Unreachable, match=r"did not answer within 0\.3 s"):
        Client(Endpoint("https://slow.example")).ask(ASKED, "GET", timeout=0.3)
    assert time.monotonic() - began < 2
