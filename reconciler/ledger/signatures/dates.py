"""When signatures were seen in the log, over the whole ledger, and whether that is news."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from reconciler.ledger.models import Attempt, ErrorSignature, FailedOrder
from reconciler.ledger.queries import FailedOrderQuerySet
from reconciler.ledger.statements import (
    FIRST_MOMENT,
    LAST_MOMENT,
    fetched,
    moment_of,
    written,
    written_sql,
)

#: A signature that was silent for this long before the period is back.
SILENT = timedelta(days=7)


class SeenDates(NamedTuple):
    """Log timestamps of a signature's attempts, some with regard to a period; None if none."""

    first: datetime | None = None
    last: datetime | None = None
    #: The last one before the period.
    last_before: datetime | None = None
    #: The period holds one.
    seen_within: bool = False
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
        silent = self.last_before is not None and self.last_before < self.start - SILENT
        return "back" if silent and self.seen_within else ""


_TABLES = {
    "attempts": Attempt._meta.db_table,
    "orders": FailedOrder._meta.db_table,
    "signatures": ErrorSignature._meta.db_table,
}
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


def find_dates(start: datetime | None, end: datetime | None) -> dict[int, SeenDates]:
    """Return the dates of every signature, by its primary key, with regard to [start, end)."""
    values = {"start": written(start or FIRST_MOMENT), "end": written(end or LAST_MOMENT)}
    return {
        signature: SeenDates(
            moment_of(first), moment_of(last), moment_of(before), bool(seen_within), start, end
        )
        for signature, first, last, before, seen_within in fetched(_DATES.format(**_TABLES), values)
    }


_NEW = """
WITH seen(signature, first) AS (
  SELECT id, (SELECT min(logged_at) FROM {attempts} WHERE signature_id = {signatures}.id)
  FROM {signatures})
SELECT count(*) FROM seen WHERE first >= %s AND first < %s AND {having}
"""
_HAVING_ORDERS = "EXISTS (SELECT 1 FROM {orders} WHERE signature_id = seen.signature)"


def new_signatures(
    orders: FailedOrderQuerySet, start: datetime | None, end: datetime | None
) -> int:
    """Count the orders' signatures whose earliest log timestamp, ever, lies in [start, end)."""
    # Of all orders it is one search of an index for each signature.
    having = _HAVING_ORDERS.format(**_TABLES)
    params: Sequence[Any] = ()
    if orders.query.where:
        sql, params = written_sql(orders.order_by().values("signature"))
        having = f"signature IN ({sql})" if sql else "false"
    ends = written(start or FIRST_MOMENT), written(end or LAST_MOMENT)
    ((count,),) = fetched(_NEW.format(having=having, **_TABLES), [*ends, *params])
    return int(count)
