"""`python -m tests.solr.evidence`: a table of every schema, method and way to sign in.

Each row is a fresh ledger filled by `manage.py sync` from a real Solr, compared with the truth that
the generator wrote beside the documents.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.solr.generator import Truth, generate
from tests.solr.recount import query, recount
from tests.solr.rig import Gateway, running
from tests.solr.schemas import SCHEMAS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = 2_300
METHODS = ("GET", "POST", "GET-QUERY")
LOGINS: dict[str, dict[str, str]] = {
    "none": {},
    "token": {"HOTWAX_TOKEN": "t0ken"},
    "login": {"HOTWAX_USERNAME": "reader", "HOTWAX_PASSWORD": "secret"},
}


def differences(found: Truth, truth: Truth, *, per_error: bool) -> int:
    """Count what differs between the ledger and the truth."""
    pairs = [(found.per_shop, truth.per_shop), (found.per_day, truth.per_day)]
    if per_error:
        pairs.append((found.per_error, truth.per_error))
    apart = sum(sum(((a - b) + (b - a)).values()) for a, b in pairs)
    return apart + abs(found.orders - truth.orders) + abs(found.attempts - truth.attempts)


def sync(gateway: Gateway, login: dict[str, str], url: str) -> int:
    """Fill a fresh ledger; the exit code."""
    environment = {
        **os.environ,
        **login,
        "HOTWAX_URL": gateway.url,
        "DATABASE_URL": url,
        "ENV_FILE": os.devnull,
        "DJANGO_SETTINGS_MODULE": "reconciler.settings",
    }
    for words in (["migrate", "-v0"], ["sync"]):
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            check=False,
        )
    return done.returncode


def main() -> None:
    documents, truth = generate(DOCUMENTS)
    print("| schema | method | sign-in | exit | documents | kept | differences | mode | requests |")
    print("|---|---|---|---|---|---|---|---|---|")
    with running() as solr, tempfile.TemporaryDirectory() as directory:
        for number, (schema, (configset, write, _)) in enumerate(SCHEMAS.items()):
            solr.make(f"table{number}", configset)
            solr.index(f"table{number}", write(documents))
            for method in METHODS:
                for name, login in LOGINS.items():
                    gateway = Gateway(solr, {"logInsights": f"table{number}"})
                    gateway.methods = {method}
                    gateway.token = login.get("HOTWAX_TOKEN", "")
                    gateway.user = ("reader", "secret") if name == "login" else None
                    path = Path(directory) / f"{number}-{method}-{name}.sqlite3"
                    url = f"sqlite:///{path}"
                    code = sync(gateway, login, url)
                    gateway.shutdown()
                    found = recount(url)
                    apart = differences(found, truth, per_error="without ms" not in schema)
                    kept, mode = query(url, "SELECT kept, mode FROM ledger_syncstate")[0]
                    row = (
                        schema,
                        method,
                        name,
                        code,
                        DOCUMENTS,
                        kept,
                        apart,
                        mode,
                        gateway.requests,
                    )
                    print("| " + " | ".join(str(cell) for cell in row) + " |", flush=True)


if __name__ == "__main__":
    main()
