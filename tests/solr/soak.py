"""`python -m tests.solr.soak [minutes]`: a watcher over a log that never rests.

A real Solr holds 50,000 documents; every second some are added, indexed anew, deleted or expired.
Half of the time one person reads the list, then fifty do. At the end the ledger must equal Solr,
and HotWax must have been asked as often with fifty readers as with one.
"""

import itertools
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.shared import free_port
from tests.solr.generator import generate
from tests.solr.recount import query
from tests.solr.rig import Gateway, Solr, running

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = int(os.environ.get("SOAK_DOCUMENTS", "50000"))


class Churn:
    """Adds, indexes anew, deletes and lets expire, and remembers what is there."""

    def __init__(self, solr: Solr, collection: str, documents: list[dict[str, Any]]) -> None:
        self.solr, self.collection = solr, collection
        self.held = {d["document-id"]: d for d in documents}
        self.counts = dict.fromkeys(("added", "indexed anew", "deleted", "expired"), 0)
        self._numbers = itertools.count()
        self._random = random.Random(11)

    def turn(self) -> None:
        now = datetime.now(UTC)
        changed = [self._new(now) for _ in range(3)]
        self.counts["added"] += 3
        for key in self._random.sample(list(self.held), 3):
            changed.append({**self.held[key], "timestamp": _date(now)})
            self.counts["indexed anew"] += 1
        gone = self._random.sample(list(self.held), 2)
        self.counts["deleted"] += len(gone)
        past = [k for k, d in self.held.items() if d["expire_at"] < _date(now) and k not in gone]
        self.counts["expired"] += len(past)
        self.held |= {d["document-id"]: d for d in changed}
        for key in (*gone, *past):
            self.held.pop(key, None)
        self.solr.index(self.collection, changed)
        self.solr.delete(self.collection, [*gone, *past])

    def _new(self, now: datetime) -> dict[str, Any]:
        number = next(self._numbers)
        like = self.held[self._random.choice(list(self.held))]
        # Every fifth expires within two minutes.
        lives = timedelta(seconds=100) if number % 5 == 0 else timedelta(days=60)
        return {
            **like,
            "document-id": f"new-{number}",
            "shopifyOrderName": f"#new-{number}",
            "timestamp": _date(now),
            "expire_at": _date(now + lives),
        }


def _date(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def read(url: str, cookie: str, stop: threading.Event, answers: list[int]) -> None:
    """Read the list every two seconds, as an agent with an impatient finger."""
    with httpx.Client(trust_env=False, timeout=30, cookies={"sessionid": cookie}) as client:
        while not stop.wait(2):
            answers.append(client.get(f"{url}/orders/").status_code)


def main() -> None:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10
    documents, _ = generate(DOCUMENTS)
    with running() as solr, tempfile.TemporaryDirectory() as directory:
        solr.make("soak", "log")
        solr.index("soak", documents)
        gateway = Gateway(solr, {"logInsights": "soak"})
        port, database = free_port(), f"sqlite:///{directory}/ledger.sqlite3"
        environment = {
            **os.environ,
            "HOTWAX_URL": gateway.url,
            "DATABASE_URL": database,
            "PORT": str(port),
            "ENV_FILE": os.devnull,
            "DJANGO_SETTINGS_MODULE": "reconciler.settings",
        }

        def manage(*words: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, "manage.py", *words],
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )

        manage("migrate", "-v0")
        manage("collectstatic", "--noinput", "-v0")
        print(manage("sync").stdout.strip())
        code = (
            "from django.contrib.auth.models import User; from django.test import Client; "
            "u = User.objects.create(username='soak'); c = Client(); "
            "c.force_login(u, backend='dashboard.accounts.AccountBackend'); "
            "print('cookie', c.cookies['sessionid'].value)"
        )
        cookie = manage("shell", "-v0", "-c", code).stdout.split("cookie ")[1].strip()
        run = subprocess.Popen(
            [sys.executable, "manage.py", "run"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(8)
        churn, url = Churn(solr, "soak", documents), f"http://127.0.0.1:{port}"
        for readers in (1, 50):
            stop, answers = threading.Event(), list[int]()
            threads = [
                threading.Thread(target=read, args=(url, cookie, stop, answers))
                for _ in range(readers)
            ]
            for thread in threads:
                thread.start()
            before, swept = gateway.requests, gateway.of_sweeps
            end = time.monotonic() + minutes * 30
            while time.monotonic() < end:
                began = time.monotonic()
                churn.turn()
                time.sleep(max(0, 1 - (time.monotonic() - began)))
            sweeps = gateway.of_sweeps - swept
            per_minute = (gateway.requests - before - sweeps) / (minutes / 2)
            stop.set()
            for thread in threads:
                thread.join()
            good = sum(code == 200 for code in answers)
            print(
                f"{readers} readers: {per_minute:.1f} requests to HotWax a minute "
                f"and {sweeps} of sweeps; "
                f"{good} of {len(answers)} pages answered with 200",
                flush=True,
            )
        run.terminate()
        run.wait()
        print(manage("sync").stdout.strip())
        print(churn.counts)
        rows = query(
            database,
            "SELECT document_key, max(logged_key) FROM ledger_attempt "
            "WHERE left_log_at IS NULL GROUP BY 1",
        )
        ledger, truth = dict(rows), {k: _wide(d["timestamp"]) for k, d in churn.held.items()}
        apart = set(ledger.items()) ^ set(truth.items())
        print(
            f"{len(truth):,} documents in Solr, {len(ledger):,} in the ledger, "
            f"{len(apart)} differences"
        )


def _wide(text: str) -> str:
    return text if "." in text else text.replace("Z", ".000Z")


if __name__ == "__main__":
    main()
