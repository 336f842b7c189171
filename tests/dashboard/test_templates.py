"""Templates and stylesheets as people read them, and as browsers do."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STYLESHEETS = sorted((ROOT / "static" / "css").glob("*.css"))
#: Class names that come from elsewhere: Markdown's HTML has none, htmx adds these.
OF_LIBRARIES = {"htmx-request", "htmx-swapping"}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_line_is_short_and_begins_with_no_comma(path: Path) -> None:
    for number, line in enumerate(path.read_text().splitlines(), 1):
        assert len(line) <= 120, f"{path.name}:{number}"
        if "{#" not in line and "change from" not in line:
            # What stands on a line of its own has white space before it.
            assert not re.match(r"\s*(?:\{% if [^%]*%\})?[,;:.](?:\s|$|\{)", line), number


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_line_opens_one_block(path: Path) -> None:
    blocks = re.compile(r"<(?:div|section|ul|ol|li|table|tr|td|p|form|nav|details|svg|select)\b")
    for number, line in enumerate(path.read_text().splitlines(), 1):
        assert len(blocks.findall(line)) <= 2, f"{path.name}:{number}: {line.strip()}"


@pytest.mark.parametrize("path", STYLESHEETS, ids=lambda path: path.name)
def test_each_class_of_a_stylesheet_is_used(path: Path) -> None:
    sources = [*TEMPLATES, *(ROOT / "dashboard").rglob("*.py"), ROOT / "static" / "js" / "app.js"]
    used = "\n".join(source.read_text() for source in sources)
    # Class names that are put together: is-{{ kind }}, heat-{{ step }}, "hue-1".
    families = set(re.findall(r"([\w-]+-)\{[{\[]", used)) | set(
        re.findall(r'[" ]([\w-]+-)\{', used)
    )
    words = set(re.findall(r"[\w-]+", used))
    css = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
    selectors = re.sub(r"\{[^{}]*\}", "", css)
    names = set(re.findall(r"\.(-?[a-zA-Z_][\w-]*)", selectors)) - OF_LIBRARIES
    unused = {n for n in names - words if not any(n.startswith(family) for family in families)}
    assert not unused


def test_each_stylesheet_is_linked() -> None:
    linked = re.findall(r"css/(\w+\.css)", (ROOT / "templates" / "_stylesheets.html").read_text())
    assert sorted(linked) == [path.name for path in STYLESHEETS]
