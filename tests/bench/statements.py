"""What the plain page asks: the figures of each page by SQL, with the best plan there is.

Every statement may use the indexes and the counts per day that ours have.
"""

U = "('open', 'in_progress', 'waiting')"
#: With the condition of our partial index, so that the limit has it at its disposal too.
OPEN = f"""NOT (state = 'resolved') AND (state IN {U} OR (state = 'ignored' AND (failed_since
 OR (state_detail > '' AND state_detail <= :today))))"""
ROWS = """SELECT o.id, o.order_name, s.name, o.site_url, g.slug, g.plain, g.template, g.category,
 o.error_excerpt, o.attempt_count, o.order_created_at, o.first_at, o.last_failed_at, o.expires_at,
 o.verdict, o.verdict_at, o.oms_orders, o.state, o.state_detail, o.state_at, o.assignee
 FROM (SELECT * FROM ledger_failedorder {where} ORDER BY last_failed_at DESC, id DESC LIMIT 50) o
 JOIN ledger_shop s ON s.id = o.shop_id JOIN ledger_errorsignature g ON g.id = o.signature_id
 ORDER BY o.last_failed_at DESC, o.id DESC"""
TABS = f"""SELECT count(*), count(*) FILTER (WHERE attempt_count >= 2 OR signature_id NOT IN
  (SELECT id FROM ledger_errorsignature WHERE retry = 'yes')),
 count(*) FILTER (WHERE expires_at BETWEEN :now AND :soon),
 count(*) FILTER (WHERE attempt_count >= 2 AND last_failed_at >= :day),
 count(*) FILTER (WHERE verdict = 'missing'), count(*) FILTER (WHERE assignee = 'bench'),
 count(*) FILTER (WHERE verdict = 'missing' AND assignee IS NULL),
 count(*) FILTER (WHERE expires_at BETWEEN :now AND :tomorrow)
 FROM ledger_failedorder WHERE {OPEN}"""
#: Asked apart, it has an index.
UNCHECKED = f"""SELECT count(*) FROM ledger_failedorder INDEXED BY orders_by_work
 WHERE verdict = 'unchecked' AND length(order_name) BETWEEN 1 AND 200 AND {OPEN}"""
COUNT = "SELECT count(*) FROM ledger_failedorder {where}"
ERRORS = """SELECT g.slug, g.template, n FROM (SELECT signature_id, count(*) n
 FROM ledger_failedorder {where} GROUP BY 1) JOIN ledger_errorsignature g ON g.id = signature_id
 ORDER BY 3 DESC"""
KINDS = """SELECT g.category, g.retry, sum(n) FROM (SELECT signature_id, count(*) n
 FROM ledger_failedorder {where} GROUP BY 1) JOIN ledger_errorsignature g ON g.id = signature_id
 GROUP BY 1, 2 ORDER BY 3 DESC"""
SHOPS = """SELECT s.name, n FROM (SELECT shop_id, count(*) n FROM ledger_failedorder {where}
 GROUP BY 1) JOIN ledger_shop s ON s.id = shop_id ORDER BY 2 DESC"""
WORK = """SELECT verdict, state, assignee, count(*) FROM ledger_failedorder {where}
 GROUP BY 1, 2, 3"""
RESOLVED = "SELECT count(*) FROM ledger_failedorder WHERE state = 'resolved'"
MISSING = "SELECT count(*) FROM ledger_failedorder WHERE verdict = 'missing'"
BECAME = f"""SELECT verdict, CASE WHEN state = 'resolved' THEN state_by END, count(*),
 count(*) FILTER (WHERE was_resolved), count(*) FILTER (WHERE was_reopened),
 count(*) FILTER (WHERE {OPEN})
 FROM ledger_failedorder {{where}} GROUP BY 1, 2"""
ARRIVALS = """SELECT (strftime('%s', arrived_at) - strftime('%s', first_failed_at)) / 60, count(*)
 FROM ledger_failedorder {where} AND arrived_at IS NOT NULL GROUP BY 1"""
RESOLVERS = """SELECT state_by, (strftime('%s', state_at) - strftime('%s', first_failed_at)) / 60,
 count(*) FROM ledger_failedorder {where} AND state = 'resolved' AND state_by <> 'system'
 GROUP BY 1, 2"""
LACKING = """SELECT shop_id, count(*) FROM ledger_failedorder {where} AND verdict = 'missing'
 GROUP BY 1"""
LAST = "SELECT max(logged_at) FROM ledger_attempt"
#: High hours; a second grouping turns them to numbers, which a window can reach over.
INCIDENTS = """WITH hours AS (SELECT signature_id s, substr(first_at, 1, 13) hour, count(*) n
  FROM ledger_failedorder INDEXED BY orders_by_first WHERE first_at >= :{since} GROUP BY 1, 2),
 numbered AS (SELECT s, CAST(strftime('%s', hour || ':00') AS INTEGER) / 3600 h, n FROM hours),
 usual AS (SELECT s, h, n, sum(n) OVER
  (PARTITION BY s ORDER BY h RANGE BETWEEN 672 PRECEDING AND 1 PRECEDING) m FROM numbered)
 SELECT s, h, n FROM usual WHERE n >= 5 AND n * 672 >= 5 * coalesce(m, 0)"""
QUIET = f"""SELECT signature_id FROM ledger_failedorder WHERE {OPEN} GROUP BY 1 EXCEPT
 SELECT signature_id FROM ledger_failedorder INDEXED BY orders_by_first WHERE first_at > :quiet"""
CHANGES = """SELECT signature_id, count(*) FILTER (WHERE last_failed_at >= :week), count(*)
 FROM ledger_failedorder WHERE last_failed_at >= :fortnight GROUP BY 1"""
CLOSED = """SELECT date(at), after, before, count(*) FROM ledger_event
 WHERE at >= :month AND kind IN ('state', 'reopened', 'undo') GROUP BY 1, 2, 3"""
#: Weeks begin on Monday.
BARS = """SELECT date({date}, '-6 days', 'weekday 1'), g.category, count(*)
 FROM ledger_failedorder o JOIN ledger_errorsignature g ON g.id = o.signature_id {where}
 GROUP BY 1, 2"""
#: Of the orders' own days, which are kept.
DAY_BARS = """SELECT day, g.category, sum(orders) FROM ledger_dailycount d
 JOIN ledger_errorsignature g ON g.id = d.signature_id
 WHERE dated_by = 'first_at' AND day >= date(:month) GROUP BY 1, 2"""
DAYS_BEFORE = """SELECT day, sum(orders) FROM ledger_dailycount
 WHERE dated_by = 'first_at' AND day >= date(:months) AND day < date(:month) GROUP BY 1"""
NOT_RESOLVED = """SELECT count(*) FROM ledger_failedorder
 WHERE first_at IS NOT NULL AND NOT (state = 'resolved')"""
#: The latest gap that is longer than the silence since the last attempt, as ours finds it: by hops
#: of the silence's length, if that is an hour.
GAP = """WITH RECURSIVE silence(last, length) AS (
  SELECT max(logged_at), julianday('now') - julianday(max(logged_at)) FROM ledger_attempt),
 hop(moment, back) AS (
  SELECT last, (SELECT min(logged_at) FROM ledger_attempt
   WHERE logged_at >= datetime(last, -length || ' days'))
  FROM silence WHERE length >= 1.0 / 24
  UNION ALL
  SELECT back, (SELECT min(logged_at) FROM ledger_attempt
   WHERE logged_at >= datetime(back, -length || ' days'))
  FROM hop, silence WHERE back < moment AND back > :months)
 SELECT moment FROM hop WHERE back = moment"""
SEEN = """SELECT g.id, (SELECT min(logged_at) FROM ledger_attempt WHERE signature_id = g.id),
 (SELECT max(logged_at) FROM ledger_attempt WHERE signature_id = g.id) FROM ledger_errorsignature g"""
NEW = "SELECT count(*) FROM ledger_errorsignature"
PER_ERROR = f"""SELECT g.slug, g.plain, g.template, g.category, g.retry, n, u, shops, tries, asked,
 there, missing FROM
 (SELECT signature_id, count(*) n, count(*) FILTER (WHERE state IN {U}) u,
  count(DISTINCT shop_id) shops, sum(attempt_count) tries,
  count(*) FILTER (WHERE verdict <> 'unchecked') asked,
  count(*) FILTER (WHERE verdict IN ('imported', 'duplicate')) there,
  count(*) FILTER (WHERE verdict = 'missing') missing FROM ledger_failedorder GROUP BY 1)
 JOIN ledger_errorsignature g ON g.id = signature_id ORDER BY n DESC"""
SPARKS = """SELECT strftime('%Y-%m', last_failed_at), signature_id, count(*)
 FROM ledger_failedorder GROUP BY 1, 2"""
MONTH = "WHERE first_at >= :month"
#: Without being told, SQLite reads every order by an index that serves the grouping.
BY_FIRST = "INDEXED BY orders_by_first"
SINCE = f"{BY_FIRST} {MONTH}"
BEFORE = f"{BY_FIRST} WHERE first_at >= :months AND first_at < :month"
LAGS = """SELECT shop_id, (strftime('%s', first_at) - strftime('%s', order_created_at)) / 60,
 count(*) FROM ledger_failedorder {where} GROUP BY 1, 2"""
HOURS = """SELECT strftime('%w', first_at), substr(first_at, 12, 2), count(*)
 FROM ledger_failedorder {where} GROUP BY 1, 2"""
BOTH = "SELECT signature_id, shop_id, count(*) FROM ledger_failedorder {where} GROUP BY 1, 2"
AGES = f"SELECT date(first_at), count(*) FROM ledger_failedorder WHERE {OPEN} GROUP BY 1"


def _list(where: str) -> list[str]:
    statements = [COUNT, ROWS, ERRORS, KINDS, WORK]
    # For shops alone SQLite would read every order.
    index = "INDEXED BY not_resolved " if where else ""
    rest = [
        SHOPS.format(where=index + where),
        TABS,
        UNCHECKED,
        RESOLVED,
        MISSING,
        COUNT.format(where=""),
    ]
    rest += [BARS.format(date="last_failed_at", where=""), NEW]
    return [*(statement.format(where=where) for statement in statements), *rest]


#: Page -> the statements that bring what stands on it, and how much dearer it may be: cold, warm.
PAGES: dict[str, tuple[list[str], float, float]] = {
    "/orders/": (_list(f"WHERE {OPEN}"), 1.8, 1.2),
    "/orders/?view=all": (_list(""), 1.8, 1.2),
    "/errors/": (
        [
            PER_ERROR,
            SEEN,
            SPARKS,
            CHANGES,
            QUIET,
            INCIDENTS.format(since="weeks"),
            *(s.format(where="") for s in (ERRORS, KINDS, SHOPS, WORK)),
        ],
        1.8,
        1.8,
    ),
    "/trends/": (
        [
            *(s.format(where=w) for s in (BOTH, LAGS) for w in (SINCE, BEFORE)),
            DAY_BARS,
            DAYS_BEFORE,
            NOT_RESOLVED,
            GAP,
            HOURS.format(where=SINCE),
            AGES,
            *(s.format(where=w) for s in (BECAME, ARRIVALS) for w in (SINCE, BEFORE)),
            *(s.format(where=SINCE) for s in (RESOLVERS, LACKING)),
            CLOSED,
            SEEN,
            LAST,
            INCIDENTS.format(since="reach"),
            *(s.format(where=SINCE) for s in (ERRORS, KINDS, SHOPS, WORK)),
        ],
        1.8,
        1.8,
    ),
}
#: What the limit asks of a large ledger instead: the orders per day that ours keeps.
PER_DAY = {
    BARS.format(date="last_failed_at", where=""): """SELECT date(day, '-6 days', 'weekday 1'),
 g.category, sum(orders) FROM ledger_dailycount d JOIN ledger_errorsignature g
 ON g.id = d.signature_id WHERE dated_by = 'last_failed_at' GROUP BY 1, 2""",
    SPARKS: """SELECT strftime('%Y-%m', day), signature_id, sum(orders) FROM ledger_dailycount
 WHERE dated_by = 'last_failed_at' GROUP BY 1, 2""",
}
