"""What tests fetch from Maven Central: a folder has a pom.xml, its jars come into target/lib."""

import shutil
import subprocess
from pathlib import Path


class NotAvailable(Exception):
    """A JDK or Maven is missing, or Maven could not fetch what is needed."""


def build(folder: Path, what: str) -> None:
    """Run `mvn package` in a folder, once; ``what`` is what the jars are. Raises NotAvailable."""
    done_already = folder / "target" / "done"
    if done_already.exists():
        return
    if not shutil.which("java") or not shutil.which("mvn"):
        raise NotAvailable(f"a JDK 17 and Maven are needed for {what}")
    done = subprocess.run(
        ["mvn", "-q", "-B", "package"], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotAvailable(
            f"Maven could not fetch {what}: {done.stdout[-800:]}{done.stderr[-400:]}"
        )
    done_already.touch()
