"""The web server against clients that send or take too slowly, or too much, over real sockets."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import pytest

from dashboard.server import LONGEST_BODY, LONGEST_HEAD, Channel, Server, listen, server_on
from tests.shared import free_port

LARGE = 40 * 1024 * 1024
Environ = dict[str, Any]


def application(environ: Environ, start_response: Any) -> Any:
    """Read the body, then answer with its length, or with a great many bytes at /large."""
    length = len(environ["wsgi.input"].read())
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/large":
        return (b"x" * 65536 for _ in range(LARGE // 65536))
    return [str(length).encode()]


@contextmanager
def running(seconds: float = 60, **changes: Any) -> Iterator[str]:
    port = free_port()
    server = server_on(listen(port), application, cleanup_interval=0.1, **changes)
    server.read_seconds = seconds
    threading.Thread(target=server.run, daemon=True).start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        _end(server)


def _end(server: Server) -> None:
    server.task_dispatcher.shutdown(timeout=1)
    server.asyncore.close_all(server._map)


@pytest.fixture
def address() -> Iterator[str]:
    with running() as address:
        yield address


def connected(address: str) -> socket.socket:
    host, port = address.split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def sent(address: str, data: bytes) -> bytes:
    """Send, and read until the server closes; a reset after its answer loses nothing of it."""
    answer = b""
    with connected(address) as client:
        with suppress(OSError):
            client.sendall(data)
        with suppress(OSError):
            while part := client.recv(65536):
                answer += part
    return answer


def get(address: str, path: str = "/", **options: Any) -> httpx.Response:
    return httpx.get(f"http://{address}{path}", trust_env=False, timeout=10, **options)


HEADERS = b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "
BODY = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"


@pytest.mark.parametrize("begin", [HEADERS, BODY, b"GET /?q="])
def test_a_request_that_drips_holds_no_thread_and_ends(begin: bytes) -> None:
    with running(seconds=1, threads=1) as address:
        slow = [connected(address) for _ in range(20)]
        for client in slow:
            client.sendall(begin)
        ended = 0
        for _ in range(100):
            assert get(address).text == "0"  # the one thread is free all the while
            for client in slow:
                try:
                    client.sendall(b"a")
                except OSError:
                    ended += 1
            if ended:
                break
            time.sleep(0.1)
        assert ended


def test_two_hundred_idle_connections_are_nothing(address: str) -> None:
    idle = [connected(address) for _ in range(200)]
    assert get(address).text == "0"
    for client in idle:
        client.close()


def test_a_client_that_takes_nothing_of_its_answer_frees_the_thread() -> None:
    with running(threads=1, channel_timeout=1) as address:
        with connected(address) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            client.recv(10)
            assert get(address).text == "0"
        assert len(get(address, "/large").content) == LARGE  # whoever takes it gets all


def test_a_request_line_without_end_is_told_with_414(address: str) -> None:
    answer = sent(address, b"GET /?q=" + b"a" * LONGEST_HEAD * 4)
    assert answer.startswith(b"HTTP/1.0 414 URI Too Long")
    assert b"This address is too long." in answer
    assert get(address).text == "0"


def test_headers_without_end_are_told_with_431(address: str) -> None:
    answer = sent(address, b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * LONGEST_HEAD)
    assert answer.startswith(b"HTTP/1.0 431")


def test_a_large_body_is_refused_before_it_is_read(address: str) -> None:
    head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {LONGEST_BODY}\r\n\r\n"
    assert b" 413 " in sent(address, head.encode())
    chunks = b"10000\r\n" + b"a" * 65536 + b"\r\n"
    head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert b" 413 " in sent(address, head.encode() + chunks * 20)
    url = f"http://{address}/"
    assert httpx.post(url, content=b"a" * 900_000, trust_env=False).text == "900000"


def test_waiting_for_a_thread_is_not_taking_nothing() -> None:
    channel: Any = object.__new__(Channel)
    channel.last_activity, channel.total_outbufs_len = 0, 0
    assert not channel.takes_nothing(100, 10)
    channel.total_outbufs_len = 5  # its answer begins after a hundred seconds in the queue
    assert not channel.takes_nothing(101, 10)
    assert not channel.takes_nothing(111, 10)
    assert channel.takes_nothing(112, 10)
    channel.last_activity = 113  # the client took some of it
    assert not channel.takes_nothing(114, 10)
    assert channel.takes_nothing(125, 10)
