"""Cells that a spreadsheet must not run: by rule, and in LibreOffice."""

import csv
import io
import re
import shutil
import subprocess
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client as Browser
from hypothesis import given
from hypothesis import strategies as st

from dashboard.exports import safe
from tests.conftest import missing
from tests.makers import document

SIGNS = ["=", "+", "-", "@", "＝", "＋", "－", "＠"]
#: Every character that is white space, a control, or has no width of its own.
INVISIBLE = [
    chr(code)
    for code in range(0x10000)
    if not 0xD800 <= code < 0xE000
    and (chr(code).isspace() or unicodedata.category(chr(code)) in ("Cc", "Cf", "Zs"))
]
SEPARATORS = [";", "\t", "\n", "\r", "\r\n", "\v", "\f", "\x85", "\u2028"]


@pytest.mark.parametrize("sign", SIGNS)
def test_a_sign_behind_anything_invisible_is_made_text(sign: str) -> None:
    for invisible in INVISIBLE:
        cell = safe(f"{invisible}{sign}1+1")
        assert cell.startswith("'"), ascii(invisible)


@pytest.mark.parametrize("separator", SEPARATORS)
@pytest.mark.parametrize("gap", ["", " ", "\u200b", '"', "\xa0\ufeff"])
def test_a_sign_behind_a_separator_is_made_text(separator: str, gap: str) -> None:
    assert safe(f"a{separator}{gap}=1") == f"a{separator}'{gap}=1"


@pytest.mark.parametrize(
    "text",
    ["a - b", "a=b", "a, -5", "SKU A-1 not found", "x@example.com", "#1001", "", " plain", "a\nb"],
)
def test_what_is_no_formula_stays_as_it_is(text: str) -> None:
    assert safe(text) == text


@given(st.lists(st.sampled_from([*SIGNS, *SEPARATORS, *" \u200b\ufeff\"'a1"]), max_size=12))
def test_whatever_separates_cells_none_begins_with_a_sign(parts: list[str]) -> None:
    for cell in re.split(r"[;\t\n\r\v\f\x85\u2028]", safe("".join(parts))):
        if not cell.startswith("'"):
            assert not cell.strip(" \"'\u200b\ufeff").startswith(tuple(SIGNS))


def hostile() -> list[str]:
    formula = '=HYPERLINK("http://evil.example";"x")'
    gaps = ["", " ", "\t", "\xa0", "\u200b", "\ufeff", "\n", "\r\n", '"', "\u2003", "\u3000"]
    heads = ["", "a", "a;", "a\n", "a\r\n", 'a";', "a\t", 'a"\n', ";;", '";"']
    cells = [f"{head}{gap}{formula}" for head in heads for gap in gaps]
    cells += [f"{head}{gap}{sign}1+cmd|' /C calc'!A0" for head in heads[:6] for gap in gaps[:6] for sign in SIGNS[:4]]  # fmt: skip
    cells += [f"{gap}{sign}SUM(1;1)" for gap in gaps for sign in SIGNS]
    return cells


@pytest.mark.django_db
def test_libreoffice_finds_no_formula_whatever_separator_it_is_set_to(
    browser: Browser, keep: Callable[..., None], tmp_path: Path
) -> None:
    if not shutil.which("soffice"):
        missing("LibreOffice (Debian's libreoffice-calc-nogui) is needed to open exports")
    cells = hostile()
    assert len(cells) >= 300
    keep(
        *(
            document(text, document_id=f"d{n}", error=text, site=text)
            for n, text in enumerate(cells)
        )
    )
    export = browser.get("/orders/export.csv?view=all")
    content: Any = b"".join(export.streaming_content)  # type: ignore[attr-defined]
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert len(rows) > 300
    for name, separator in (("comma", 44), ("semicolon", 59), ("tab", 9)):
        (tmp_path / f"{name}.csv").write_bytes(content)
        assert formulas(tmp_path / f"{name}.csv", separator) == []
    # The instrument itself: without the guard there are many.
    (tmp_path / "raw.csv").write_text("\n".join(f'"{n}","=1+{n}"' for n in range(9)))
    assert len(formulas(tmp_path / "raw.csv", 44)) == 9


def formulas(path: Path, separator: int | None = None) -> list[str]:
    """Open a CSV, or another file, in LibreOffice; return the formulas that it found."""
    as_csv = f"--infilter=CSV:{separator},34,76,1,,0,false,true,false,false,false,-1"
    subprocess.run(
        [
            "soffice",
            "--headless",
            f"-env:UserInstallation=file://{path.parent / 'profile'}",
            *([as_csv] if separator else []),
            "--convert-to",
            "ods",
            "--outdir",
            str(path.parent),
            str(path),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    sheet = zipfile.ZipFile(path.with_suffix(".ods")).read("content.xml").decode()
    return re.findall(r'table:formula="([^"]*)"', sheet)
