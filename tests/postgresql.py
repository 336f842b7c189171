"""`python -m tests.postgresql`: the suite once more, over a PostgreSQL of Debian's.

With paths of tests as arguments it runs those alone.

Starts a server of its own in a temporary folder, on loopback, and ends it. Without PostgreSQL it
says so and skips; where TESTS_REQUIRE_ALL is set that is a failure.
"""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.shared import free_port

#: What touches SQL. Texts, templates, access, HotWax's answers and commands do not depend on it.
SUITE = (
    "tests/ledger",
    "--ignore=tests/ledger/test_signatures.py",
    "tests/dashboard/test_api.py",
    "tests/dashboard/test_corrections.py",
    "tests/dashboard/test_csv.py",
    "tests/dashboard/test_errors.py",
    "tests/dashboard/test_figures.py",
    "tests/dashboard/test_filters.py",
    "tests/dashboard/test_names.py",
    "tests/dashboard/test_order.py",
    "tests/dashboard/test_orders.py",
    "tests/dashboard/test_recount.py",
    "tests/dashboard/test_runbook.py",
    "tests/dashboard/test_trends.py",
    "tests/faults/test_faults.py::test_fault_duplicate_documents",
    "tests/faults/test_faults.py::test_fault_types_changed",
    "tests/faults/test_storage.py::test_fault_a_lock_is_held_while_pages_answer",
    "tests/faults/test_storage.py::test_fault_database_gone_and_back",
    "tests/test_fuzz.py",
    "tests/solr/test_sync.py::test_twenty_thousand_documents_are_counted_right_also_after_a_kill",
    "tests/solr/test_sync.py::test_people_change_orders_while_the_first_load_runs",
)
#: The second run is also one at an awkward hour: the night in which the clocks go back.
CLOCK = "berlin-autumn"


def programs() -> Path | None:
    """Folder of the newest PostgreSQL server of Debian's."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Run a server; its address, as DATABASE_URL writes it."""
    directory = tempfile.mkdtemp(prefix="postgresql-")
    data, port = f"{directory}/data", free_port()
    as_user: list[str] = []
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        user = pwd.getpwnam("postgres")
        os.chown(directory, user.pw_uid, user.pw_gid)

    def run(*command: str) -> None:
        subprocess.run([*as_user, *command], check=True, cwd=directory, stdout=subprocess.DEVNULL)

    # A collation that is not C: sorting must not depend on it.
    run(
        str(folder / "initdb"),
        "-D",
        data,
        "-U",
        "test",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale-provider=icu",
        "--icu-locale=en",
        "--locale=C.UTF-8",
    )
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    log = f"{directory}/log"
    run(str(folder / "pg_ctl"), "-D", data, "-o", options, "-l", log, "-w", "start")
    try:
        yield f"postgres://test@127.0.0.1:{port}/postgres"
    finally:
        run(str(folder / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(directory, ignore_errors=True)


def main() -> int:
    folder = programs()
    if folder is None:
        print("PostgreSQL is absent: the suite was not run over it.")
        return 1 if os.environ.get("TESTS_REQUIRE_ALL") == "1" else 0
    with running(folder) as url:
        print("The suite over PostgreSQL:", flush=True)
        environment = {"TEST_CLOCK": CLOCK, **os.environ, "TEST_DATABASE_URL": url}
        words = sys.argv[1:]
        suite = () if any(word.startswith("tests/") for word in words) else SUITE
        command = [sys.executable, "-m", "pytest", *suite, *words]
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
