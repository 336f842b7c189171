"""The commands as processes: they start, say what is wrong in one line, and leave nothing behind."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.demo.data import History
from reconciler.demo.server import Demo
from tests.clock import NOW, of_processes
from tests.conftest import Serving
from tests.processes import environment_in
from tests.shared import free_port

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A database of its own, and ports that are free."""
    ports = {"PORT": str(free_port()), "DEMO_PORT": str(free_port())}
    return {
        **{
            name: value
            for name, value in environment_in(tmp_path).items()
            if not name.startswith("HOTWAX_")
        },
        **ports,
        **of_processes(),
    }


def manage(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def row(environment: dict[str, str], columns: str) -> tuple[Any, ...]:
    with sqlite3.connect(environment["DATABASE_URL"].removeprefix("sqlite:///")) as db:
        found: tuple[Any, ...] = db.execute(f"SELECT {columns} FROM ledger_syncstate").fetchone()
        return found or (None,) * (columns.count(",") + 1)


def wait(condition: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)


def answers(port: str) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/livez", trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def is_free(port: str) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", int(port))) != 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run_starts_all_and_a_signal_ends_all(
    number: signal.Signals, environment: dict[str, str]
) -> None:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "run"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait(lambda: answers(environment["PORT"]))
        wait(lambda: row(environment, "loaded_at")[0])
        assert row(environment, "heartbeat_at")[0]
        assert row(environment, "last_error")[0] == ""  # the watcher waited for the demo
    finally:
        process.send_signal(number)
        process.wait(timeout=20)
    assert is_free(environment["PORT"])
    assert is_free(environment["DEMO_PORT"])
    lines = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert f"127.0.0.1:{environment['PORT']}" not in lines


@pytest.mark.parametrize("name", ["PORT", "DEMO_PORT"])
def test_a_busy_port_is_named_in_one_line(name: str, environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", int(environment[name]))):
        done = manage(environment, "run")
    assert done.returncode != 0
    assert done.stderr.strip() == (
        f"CommandError: Port {environment[name]} is in use; choose another with {name}."
    )


@pytest.fixture
def hotwax(environment: dict[str, str]) -> Iterator[Demo]:
    with Serving(Demo(History(NOW, orders=300))) as server:
        environment["HOTWAX_URL"] = server.url
        yield server


def watch(environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "manage.py", "sync", "--watch"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_the_watcher_keeps_up_survives_an_outage_and_gives_the_lease_back(
    environment: dict[str, str], hotwax: Demo
) -> None:
    environment["HOTWAX_FRESH_SECONDS"] = "0.5"
    process = watch(environment)
    try:
        wait(lambda: row(environment, "loaded_at")[0])
        wait(lambda: row(environment, "caught_up_at")[0])
        first = row(environment, "caught_up_at")[0]
        wait(lambda: row(environment, "caught_up_at")[0] > first)
        hotwax.token = "changed"  # every request is refused from here on
        wait(lambda: row(environment, "failing_since")[0])
        assert "401" in row(environment, "last_error")[0]
        hotwax.token = ""
        wait(lambda: row(environment, "failing_since")[0] is None)
        assert process.poll() is None
    finally:
        process.terminate()
        assert process.wait(timeout=10) == 0
    assert row(environment, "lease_owner, lease_until") == ("", None)


def test_a_watcher_that_waits_for_hotwax_ends_at_once_and_gives_the_lease_back(
    environment: dict[str, str], hotwax: Demo
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environment["HOTWAX_URL"] = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process = watch(environment)
        wait(lambda: str(row(environment, "lease_owner")[0] or "").startswith("watcher"))
        time.sleep(0.5)
        began = time.monotonic()
        process.terminate()
        assert process.wait(timeout=10) == 0
        assert time.monotonic() - began < 5
    assert row(environment, "lease_owner") == ("",)


def test_sync_beside_another_syncer_gives_up_with_the_reason(
    environment: dict[str, str], hotwax: Demo
) -> None:
    manage(environment, "sync")
    database = environment["DATABASE_URL"].removeprefix("sqlite:///")
    with sqlite3.connect(database) as db:
        until = f"{NOW + timedelta(seconds=80):%Y-%m-%d %H:%M:%S}"
        db.execute("UPDATE ledger_syncstate SET lease_owner = 'other', lease_until = ?", (until,))
    process = subprocess.Popen(
        [sys.executable, "manage.py", "sync"],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert "Another syncer is at work; waiting up to" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) == 1
    assert "Stopped before the scan was complete" in process.stderr.read()
    assert row(environment, "lease_owner") == ("other",)


def test_sync_beside_a_watcher_has_its_turn(environment: dict[str, str], hotwax: Demo) -> None:
    process = watch(environment)
    try:
        wait(lambda: row(environment, "loaded_at")[0])
        done = manage(environment, "sync")
        assert done.returncode == 0, done.stderr
        assert "log documents kept" in done.stdout
    finally:
        process.terminate()
        process.wait(timeout=10)


def test_sync_of_another_hotwax_is_refused(environment: dict[str, str], hotwax: Demo) -> None:
    assert manage(environment, "sync").returncode == 0
    done = manage({**environment, "HOTWAX_CORE": "other"}, "sync")
    assert done.returncode == 1
    assert "DATABASE_URL" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_demo_requires_its_token_and_speaks_all_methods(environment: dict[str, str]) -> None:
    port = environment["DEMO_PORT"]
    process = subprocess.Popen(
        [sys.executable, "manage.py", "demo", "--token", "t0ken", "--orders", "50"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        wait(lambda: not is_free(port))
        url = f"http://127.0.0.1:{port}/api/solr-query"
        body = {"json": {"params": {"q": "docType:SHOPIFY_ORDER"}}, "coreName": "logInsights"}
        assert httpx.post(url, json=body, trust_env=False).status_code == 401
        headers = {"Authorization": "Bearer t0ken"}
        for method in ("GET", "POST"):
            reply = httpx.request(method, url, json=body, headers=headers, trust_env=False)
            assert len(reply.json()["response"]["docs"]) == 10
        query = {"json": '{"params": {"q": "docType:SHOPIFY_ORDER"}}', "coreName": "logInsights"}
        reply = httpx.get(url, params=query, headers=headers, trust_env=False)
        assert reply.json()["response"]["numFound"] > 50
    finally:
        process.terminate()
        assert process.wait(timeout=10) == 0


@pytest.mark.parametrize(
    "command", ["check_hotwax", "sync", "run", "web", "demo", "migrate", "createsuperuser"]
)
def test_a_setting_that_cannot_be_used_ends_in_one_line(
    command: str, environment: dict[str, str]
) -> None:
    done = manage({**environment, "HOTWAX_URL": "https://:PASSWORD@host.example:abc"}, command)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "HOTWAX_URL must be an address" in done.stderr
    assert "PASSWORD" not in done.stderr


def test_the_database_is_for_nobody_else_to_read_whatever_the_umask(
    environment: dict[str, str], tmp_path: Path
) -> None:
    database = tmp_path / "new.sqlite3"
    before = os.umask(0)
    try:
        done = manage({**environment, "DATABASE_URL": f"sqlite:///{database}"}, "migrate", "-v0")
    finally:
        os.umask(before)
    assert done.returncode == 0
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.glob("new.*")}
    assert set(modes.values()) == {"0o600"}, modes


def test_a_database_that_cannot_be_made_is_told_in_one_line(environment: dict[str, str]) -> None:
    database = {"DATABASE_URL": "sqlite:////nowhere/at/all.sqlite3"}
    done = manage({**environment, **database}, "migrate")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "No such file or directory" in done.stderr


def test_a_wrong_host_header_is_one_line_of_the_log(environment: dict[str, str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "web"], cwd=ROOT, env=environment, stderr=subprocess.PIPE
    )
    url = f"http://127.0.0.1:{environment['PORT']}/orders/"
    try:
        wait(lambda: answers(environment["PORT"]))
        for host in ("evil.example", "x" * 5000):
            answer = httpx.get(url, headers={"Host": host}, trust_env=False)
            assert answer.status_code == 400
    finally:
        process.terminate()
        told = process.communicate()[1].decode()
    assert told.count("\n") == 2
    assert "Invalid HTTP_HOST header: 'evil.example'" in told
    assert len(told) < 1000


def children_of(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_web_processes_are_replaced_and_none_outlives_its_parent(
    number: signal.Signals, environment: dict[str, str]
) -> None:
    port = environment["PORT"]
    process = subprocess.Popen(
        [sys.executable, "manage.py", "web"], cwd=ROOT, env={**environment, "WEB_PROCESSES": "3"}
    )
    try:
        wait(lambda: answers(port))
        before = children_of(process.pid)
        assert len(before) == 3
        os.kill(before[0], signal.SIGKILL)
        wait(lambda: len([p for p in children_of(process.pid) if p not in before]) == 1)
        assert answers(port)
        children = children_of(process.pid)
    finally:
        process.send_signal(number)
        process.wait(timeout=20)
    wait(lambda: not any(is_alive(pid) for pid in children))
    # A process is a zombie already while the last of its threads still holds the socket.
    wait(lambda: is_free(port), seconds=5)
