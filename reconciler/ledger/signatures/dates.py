"""When signatures were seen in the log, over the whole ledger, and whether that is news."""

from datetime import datetime, timedelta
from typing import NamedTuple

from reconciler.ledger.models import Attempt, ErrorSignature
from reconciler.ledger.statements import FIRST_MOMENT, LAST_MOMENT, fetched, moment_of, written

#: A signature that was silent for this long before the period is back.
SILENT = timedelta(days=7)


class Dates(NamedTuple):
    """Log timestamps of a signature's attempts, beside a period; None where there are none."""

    first: datetime | None = None
    last: datetime | None = None
    #: The last one before the period.
    before: datetime | None = None
    #: The period holds one.
    is_within: bool = False
    #: The first moment of the period, and the first after it; None leaves an end open.
    start: datetime | None = None
    end: datetime | None = None

    @property
    def label(self) -> str:
        """Return "new" if it was first seen in the period, "back" if seen again in it, or ""."""
        if self.first is None:
            return ""
        if self.start is None or self.first >= self.start:
            return "new" if self.end is None or self.first < self.end else ""
        silent = self.before is not None and self.before < self.start - SILENT
        return "back" if silent and self.is_within else ""


#: Each date is one search of an index, however many attempts are kept.
_DATES = """
SELECT signature.id,
  (SELECT min(logged_at) FROM {attempts} WHERE signature_id = signature.id),
  (SELECT max(logged_at) FROM {attempts} WHERE signature_id = signature.id),
  (SELECT max(logged_at) FROM {attempts} WHERE signature_id = signature.id
    AND logged_at < %(start)s),
  EXISTS (SELECT 1 FROM {attempts} WHERE signature_id = signature.id
    AND logged_at >= %(start)s AND logged_at < %(end)s)
FROM {signatures} signature
"""


def find_dates(start: datetime | None, end: datetime | None) -> dict[int, Dates]:
    """Return the dates of every signature, by its primary key, beside the period [start, end)."""
    statement = _DATES.format(
        attempts=Attempt._meta.db_table, signatures=ErrorSignature._meta.db_table
    )
    values = {"start": written(start or FIRST_MOMENT), "end": written(end or LAST_MOMENT)}
    return {
        signature: Dates(
            moment_of(first), moment_of(last), moment_of(before), bool(is_within), start, end
        )
        for signature, first, last, before, is_within in fetched(statement, values)
    }
