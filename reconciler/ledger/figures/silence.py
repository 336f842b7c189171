"""How long the log has been silent, and whether it ever was for longer."""

from datetime import datetime, timedelta
from functools import partial

from django.db import connection

from reconciler.ledger.figures.cache import cached
from reconciler.ledger.models import Attempt
from reconciler.ledger.statements import fetched, moment_of, written

#: A shorter silence is not reported.
SHORT_SILENCE = timedelta(hours=1)
#: How far before the last log time earlier gaps are looked for.
LOOK_BACK = timedelta(days=60)


def silence(now: datetime, revision: int) -> tuple[datetime, timedelta | None] | None:
    """Return the latest log time, and the latest earlier gap longer than the silence since.

    Returns None if nothing was logged. The gap is None if the LOOK_BACK before has none, or if the
    silence is shorter than SHORT_SILENCE.
    """
    moments = Attempt.objects.filter(logged_at__lte=now).values_list("logged_at", flat=True)
    last = moments.order_by("-logged_at").first()
    if last is None or now - last < SHORT_SILENCE:
        return None if last is None else (last, None)
    # What was found holds for the minute.
    find = partial(_end_of_gap, last, now - last)
    ended = cached(revision, "gap", None, (last, f"{now:%Y-%m-%d %H:%M}"), find)
    if ended is None:
        return last, None
    before = moments.filter(logged_at__lt=ended).order_by("-logged_at").first()
    return last, None if before is None else ended - before


#: Returns the log time with which the latest gap longer than a length ended. From a log time the
#: search goes on at the earliest one within the length before it: between the two is no such gap.
#: Where that is the log time itself, a gap ended with it. SQLite's moments are texts, whose seconds
#: have no zeros at their end.
_HOPS = {
    "sqlite": """
WITH RECURSIVE hop(moment, back) AS (
  SELECT %(last)s, (SELECT min(logged_at) FROM {attempts} WHERE logged_at >=
    rtrim(rtrim(strftime('%%Y-%%m-%%d %%H:%%M:%%f', %(last)s, %(length)s), '0'), '.'))
  UNION ALL
  SELECT hop.back, (SELECT min(logged_at) FROM {attempts} WHERE logged_at >=
    rtrim(rtrim(strftime('%%Y-%%m-%%d %%H:%%M:%%f', hop.back, %(length)s), '0'), '.'))
  FROM hop WHERE hop.back < hop.moment AND hop.back > %(start)s
)
SELECT moment FROM hop WHERE back = moment
""",
    "postgresql": """
WITH RECURSIVE hop(moment, back) AS (
  SELECT %(last)s::timestamptz, (SELECT min(logged_at) FROM {attempts}
    WHERE logged_at >= %(last)s::timestamptz + %(length)s::interval)
  UNION ALL
  SELECT hop.back, (SELECT min(logged_at) FROM {attempts}
    WHERE logged_at >= hop.back + %(length)s::interval)
  FROM hop WHERE hop.back < hop.moment AND hop.back > %(start)s::timestamptz
)
SELECT moment FROM hop WHERE back = moment
""",
}


def _end_of_gap(last: datetime, length: timedelta) -> datetime | None:
    """Return the latest log time before which nothing was logged for longer than this.

    Each step is one search of an index, however many attempts are kept.
    """
    values = {
        "last": written(last),
        "start": written(last - LOOK_BACK),
        "length": f"-{length.total_seconds():.3f} seconds",
    }
    statement = _HOPS[connection.vendor].format(attempts=Attempt._meta.db_table)
    found = fetched(statement, values)
    return moment_of(found[0][0]) if found else None
