"""The Nu HTML checker, which knows what HTML allows; it comes from Maven Central."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

HERE = Path(__file__).parent
LIBRARY = HERE / "target" / "lib"
#: What it says of what it does not know: htmx's attributes, and what HTML allows since 2020.
NOT_FAULTS = (
    "Attribute “hx-",
    "Bad value “dialog” for attribute “method” on element “form”",
    "is not supported in all browsers",
    # A list may have a name. Which elements may not, axe knows.
    "Possible misuse of “aria-label”",
)


def faults(pages: Mapping[str, str], folder: Path) -> Iterator[str]:
    """Yield what is wrong with these pages; ``folder`` takes them as files."""
    for name, html in pages.items():
        (folder / f"{name}.html").write_text(html)
    command = ["java", "-Xss4m", "-XX:TieredStopAtLevel=1", "-cp", f"{LIBRARY}/*"]
    command += ["nu.validator.client.SimpleCommandLineValidator", "--format", "json"]
    files = [str(folder / f"{name}.html") for name in pages]
    done = subprocess.run([*command, *files], capture_output=True, text=True, check=False)
    # Its web server logs into the same stream, before the answer.
    answer = json.loads(done.stderr[done.stderr.index('{"messages"') :])
    for message in answer["messages"]:
        if not any(words in message["message"] for words in NOT_FAULTS):
            page = Path(message["url"]).stem
            yield f"{page}:{message.get('lastLine')}: {message['message']}"
