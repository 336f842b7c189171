"""Orders as an Excel workbook: all that match, with dates and numbers that a sheet can sort."""

import tempfile
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain
from typing import IO, Any

import xlsxwriter

from dashboard.exports import HEADINGS, cells_of, moment_of, slices_of
from reconciler import service

#: So many are written in ten seconds, while somebody waits.
MOST_ORDERS = 100_000
#: What Excel holds: characters of a cell, hyperlinks of a sheet, characters of one.
MOST_CHARACTERS, MOST_LINKS = 32_767, 65_530
LONGEST_LINK = 2_079
_CUT = " … (cut: a cell of Excel holds no more)"
_OPTIONS = {
    # Rows go to a file as they are written.
    "constant_memory": True,
    "default_date_format": "yyyy-mm-dd hh:mm:ss",
    # A text stays a text, whatever it begins with.
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
#: Columns by heading; widths in characters.
_DATES = frozenset(i for i, heading in enumerate(HEADINGS) if heading.endswith("(UTC)"))
_LINKS = frozenset(HEADINGS.index(heading) for heading in ("Shopify admin", "in Reconciler"))
_WIDTHS = {"what happened": 40, "error": 60, "error signature": 40, "order": 14, "attempts": 9}
_USUAL_WIDTH = 20


def workbook_of(
    keys: Sequence[int],
    fresh: service.Freshness,
    address: str,
    head: Iterable[tuple[str, Any]],
) -> IO[bytes]:
    """Write a workbook into a temporary file and return it, to be read from its beginning.

    The first sheet has a line of headings and one per order; the second tells what was exported:
    the rows of ``head``. ``address`` is the absolute URL of orders' pages, without the number of
    one.
    """
    file = tempfile.TemporaryFile()  # noqa: SIM115 - whoever sends it closes it
    with xlsxwriter.Workbook(file, _OPTIONS) as book:
        bold = book.add_format({"bold": True})
        orders, about = book.add_worksheet("Failed orders"), book.add_worksheet("About")
        _begin(orders, bold)
        orders.autofilter(0, 0, len(keys), len(HEADINGS) - 1)
        as_of = moment_of(fresh.as_of)
        linked = len(keys) * len(_LINKS) <= MOST_LINKS
        for number, (pk, row) in enumerate(chain.from_iterable(slices_of(keys)), 1):
            cells = [*cells_of(row, str, str), f"{address}{pk}/", as_of]
            _write(orders, number, cells, linked)
        for number, (title, value) in enumerate(head):
            about.write_row(number, 0, [title, _fitting(str(value))])
        about.set_column(0, 0, 30)
    file.seek(0)
    return file


def _begin(sheet: Any, bold: Any) -> None:
    for column, heading in enumerate(HEADINGS):
        sheet.set_column(column, column, _WIDTHS.get(heading, _USUAL_WIDTH))
    sheet.write_row(0, 0, HEADINGS, bold)
    sheet.freeze_panes(1, 1)


def _write(sheet: Any, number: int, cells: Iterable[Any], linked: bool) -> None:
    for column, cell in enumerate(cells):
        if not cell:
            continue
        if column in _DATES:
            # Without a zone, as dates of a sheet are; the headings name it.
            sheet.write_datetime(number, column, datetime.fromisoformat(cell))
        elif isinstance(cell, int):
            sheet.write_number(number, column, cell)
        elif column in _LINKS and linked and len(cell) <= LONGEST_LINK:
            sheet.write_url(number, column, cell, string=cell)
        else:
            sheet.write_string(number, column, _fitting(cell))


def _fitting(text: str) -> str:
    """Cut what a cell cannot hold, and say so."""
    if len(text) <= MOST_CHARACTERS:
        return text
    return text[: MOST_CHARACTERS - len(_CUT)] + _CUT
