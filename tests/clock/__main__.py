"""`python -m tests.clock`: what depends on the time of day, at awkward hours in awkward zones."""

import os
import subprocess
import sys

from tests.clock import CLOCKS

SUITE = ("tests/dashboard", "tests/ledger")


def main() -> int:
    failed = []
    for name in list(CLOCKS)[1:]:
        print(f"The suite at {name}:", flush=True)
        command = [sys.executable, "-m", "pytest", *SUITE, *sys.argv[1:]]
        environment = {**os.environ, "TEST_CLOCK": name}
        if subprocess.run(command, env=environment, check=False).returncode:
            failed.append(name)
    print(f"failed at: {', '.join(failed)}" if failed else "passed at every hour")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
