"""What the workers of a run share: what is made once for all of them, and ports."""

import fcntl
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from socketserver import BaseServer

ROOT = Path(__file__).resolve().parents[1]
#: The process that started the run; it removes the folder at the end (tests/conftest.py).
RUN = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
FOLDER = Path(tempfile.gettempdir()) / f"reconciler-tests-{RUN}"


def once(name: str, make: Callable[[Path], None]) -> Path:
    """Make a file or folder in the first worker that wants it; the others wait."""
    FOLDER.mkdir(exist_ok=True)
    path, done = FOLDER / name, FOLDER / f"{name}.done"
    with (FOLDER / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            make(path)
            done.touch()
    return path


def manage(environment: dict[str, str], *words: str) -> None:
    """Run a management command that must succeed."""
    command = [sys.executable, "manage.py", *words]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)


def serve(server: BaseServer) -> None:
    """Let a server answer from a thread; `shutdown()` ends it within 20 ms, not half a second."""
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()


_given: set[int] = set()


def free_port() -> int:
    """Find a port that is free, and whose neighbour (+ 1000: ZooKeeper's) is too.

    Each worker has a range of its own, so that no two take the same port at once; none gets a port
    twice.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    while True:
        port = 12_000 + 2_000 * (worker % 8) + random.randrange(1_000)
        if port not in _given and _is_free(port) and _is_free(port + 1_000):
            _given.add(port)
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
