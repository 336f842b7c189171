"""What can be asked of the ledger: query sets, views, sorts and dates.

Every page, export and figure asks through the methods of these query sets. Datetimes are in UTC.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any, Self, TypeVar

from django.db import models
from django.db.models import Count, F, Func, Q, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Length
from django.utils import timezone

from reconciler.hotwax.documents import clean
from reconciler.hotwax.links import is_shopify_id
from reconciler.ledger.arrival_spans import arrived_within
from reconciler.ledger.models import (
    FAILING_WITHIN,
    Attempt,
    ErrorSignature,
    FailedOrder,
    MaskedValue,
    Retry,
    Shop,
    SignatureAlias,
    State,
    Verdict,
)
from reconciler.ledger.sort_keys import name_keys

Row = TypeVar("Row", bound=models.Model)

EXPIRING_WITHIN = timedelta(days=7)
#: A moment further in the future was written while a clock was ahead: it counts as never.
CLOCK_TOLERANCE = timedelta(minutes=1)
#: Stands in the query string for an order without an owner.
NOBODY = "none"
#: A longer name is no name of the OMS.
LONGEST_NAME = 200
UNFINISHED = (State.OPEN, State.IN_PROGRESS, State.WAITING)
#: The condition of the index "not_resolved", in the same words: SQLite uses a partial index only
#: where its condition stands in the query as it is, without parameters.
NOT_RESOLVED = Func(
    F("state"),
    template=f"NOT (%(expressions)s = '{State.RESOLVED.value}')",
    output_field=models.BooleanField(),
)
#: Date names of the query string -> columns.
DATES = {
    "failed": "last_failed_at",
    "first": "first_at",
    "created": "order_created_at",
    "expires": "expires_at",
}
#: Sort names of the query string -> columns.
SORTS = {
    "order": "name_sort_key",
    "shop": "shop__sort_key",
    "error": "signature__sort_key",
    "attempts": "attempt_count",
    "created": "order_created_at",
    "first": "first_at",
    "failed": "last_failed_at",
    "expires": "expires_at",
    "state": "state",
    "verdict": "verdict",
    "assignee": "assignee",
}
VIEWS = ("open", "mine", "missing", "expiring", "failing", "needs", "resolved", "all")
LIST_COLUMNS = (
    "order_name",
    "site_url",
    "order_created_at",
    "first_at",
    "last_failed_at",
    "attempt_count",
    "error_excerpt",
    "expires_at",
    "left_log_at",
    "state",
    "state_detail",
    "state_at",
    "failed_since",
    "assignee",
    "revision",
    "verdict",
    "verdict_at",
    "oms_orders",
    "latest_document_key",
    "shop__name",
    "shop__handle",
    "signature__slug",
    "signature__template",
    "signature__category",
    "signature__retry",
    "signature__plain",
)


def is_open(now: datetime) -> Q:
    """Return the condition of open orders: unfinished, or ignored and due again.

    An ignored order is due again when its day has come in the current zone, or once it failed.
    """
    today = timezone.localtime(now).date().isoformat()
    day_has_come = Q(state_detail__gt="", state_detail__lte=today)
    due_again = Q(state=State.IGNORED) & (Q(failed_since=True) | day_has_come)
    return Q(NOT_RESOLVED) & (Q(state__in=UNFINISHED) | due_again)


def view_condition(view: str, now: datetime, *, me: str = "", any_state: bool = False) -> Q:
    """Return the condition of a view (CONTRACTS.md, `view`); it is empty for `all`.

    ``me`` is the user name of whoever looks.
    """
    if view == "resolved":
        return Q() if any_state else Q(state=State.RESOLVED)
    unfinished = Q() if any_state or view == "all" else is_open(now)
    if view == "mine":
        return unfinished & Q(assignee=me)
    if view == "missing":
        return unfinished & Q(verdict=Verdict.MISSING)
    if view == "expiring":
        return unfinished & Q(
            left_log_at=None, expires_at__gte=now, expires_at__lte=now + EXPIRING_WITHIN
        )
    if view == "failing":
        return unfinished & Q(attempt_count__gte=2, last_failed_at__gte=now - FAILING_WITHIN)
    if view == "needs":
        # After one attempt the next run of the import may succeed by itself.
        alone = ErrorSignature.objects.filter(retry=Retry.YES)
        return unfinished & (Q(attempt_count__gte=2) | ~Q(signature__in=alone))
    return unfinished


def count_where(condition: Q) -> Count:
    """Return what counts the rows that meet a condition, all rows if it is empty."""
    # Of a constant: of a column, SQLite would look whether it is null, for every count of a row.
    return Count(Value(1), filter=condition or None)


def _directed(column: F, descending: bool) -> Combinable | Any:
    return column.desc(nulls_last=True) if descending else column.asc(nulls_last=True)


def signatures_named(slugs: list[str]) -> models.QuerySet[ErrorSignature]:
    """Return the signatures that have, or had under earlier rules, one of these slugs."""
    # A slug that is in use names its own signature, even if it was an alias before.
    aliases = SignatureAlias.objects.filter(slug__in=slugs).exclude(
        slug__in=ErrorSignature.objects.values("slug")
    )
    return ErrorSignature.objects.filter(Q(slug__in=slugs) | Q(pk__in=aliases.values("signature")))


def shops_seen_under(hosts: list[str]) -> models.QuerySet[Shop]:
    """Return the shops seen under any of these hosts, ignoring case."""
    hosts = [host.lower() for host in hosts]
    return Shop.objects.filter(Q(hosts__host__in=hosts) | Q(name__in=hosts))


class SignedQuerySet(models.QuerySet[Row]):
    """What can be asked of rows that have a signature: attempts, and orders by their latest one."""

    def of_errors(self, slugs: list[str], *, exclude: bool = False) -> Self:
        """Keep, or leave out, rows with one of these signatures."""
        condition = Q(signature__in=signatures_named(slugs).values("pk"))
        return self.exclude(condition) if exclude else self.filter(condition)

    def with_signature(self, signature: ErrorSignature) -> Self:
        """Keep rows of this very signature."""
        return self.filter(signature=signature)

    def of_categories(self, categories: list[str], *, exclude: bool = False) -> Self:
        """Keep, or leave out, rows whose error is of one of these categories."""
        return self._of_signatures(Q(category__in=categories), exclude=exclude)

    def to_retry(self, advice: list[str], *, exclude: bool = False) -> Self:
        """Keep, or leave out, rows whose error has one of these retry advices."""
        return self._of_signatures(Q(retry__in=advice), exclude=exclude)

    def _of_signatures(self, which: Q, *, exclude: bool) -> Self:
        condition = Q(signature__in=ErrorSignature.objects.filter(which))
        return self.exclude(condition) if exclude else self.filter(condition)


class FailedOrderQuerySet(SignedQuerySet["FailedOrder"]):
    """What can be asked of the orders."""

    def in_view(self, view: str, now: datetime, *, me: str = "", any_state: bool = False) -> Self:
        """Keep one of the views of CONTRACTS.md (VIEWS).

        ``me`` is the user name of whoever looks. ``any_state`` drops the view's condition on the
        state, and only that.
        """
        return self.filter(view_condition(view, now, me=me, any_state=any_state))

    def mentioning(self, text: str) -> Self:
        """Keep orders with this text in error, plain sentence, order name or shop, ignoring case.

        Of the error the latest counts; of the shop its name and every host it was seen under.
        """
        wanted = clean(text)
        # Sentences and hosts are ASCII, in which every database ignores case alike.
        signatures = ErrorSignature.objects.filter(plain__icontains=wanted)
        shops = Shop.objects.filter(Q(name__icontains=wanted) | Q(hosts__host__icontains=wanted))
        return self.filter(
            Q(search_text__contains=wanted.casefold())
            | Q(signature__in=signatures.order_by().values("pk"))
            | Q(shop__in=shops.order_by().values("pk"))
        )

    def named(self, names: list[str]) -> Self:
        """Keep orders of these names (CONTRACTS.md, `order`), or of these numbers in Shopify."""
        full, tails = set(), set()
        for name in names:
            key, _ = name_keys(name)
            full.add(key)
            if "#" not in key:
                tails.add(key)
        called = Q(name_key__in=full) | Q(name_tail__in=tails)
        if numbers := set(filter(is_shopify_id, names)):
            called |= Q(shopify_id__in=numbers)
        return self.filter(called)

    def of_shops(self, hosts: list[str], *, exclude: bool = False) -> Self:
        """Keep, or leave out, orders of the shops seen under any of these hosts."""
        condition = Q(shop__in=shops_seen_under(hosts).values("pk"))
        return self.exclude(condition) if exclude else self.filter(condition)

    def with_values(self, values: list[str], *, exclude: bool = False) -> Self:
        """Keep, or leave out, orders whose latest error has one of these values masked.

        A value is written as kind and text: sku:TEE-2119-RED.
        """
        pairs = [value.partition(":") for value in values]
        masked = [Q(kind=kind, text=text) for kind, _, text in pairs]
        orders = MaskedValue.objects.filter(reduce(or_, masked)).order_by().values("order")
        return self.exclude(pk__in=orders) if exclude else self.filter(pk__in=orders)

    def in_states(self, states: list[str], *, exclude: bool = False) -> Self:
        """Keep, or leave out, orders in these states."""
        condition = Q(state__in=states)
        return self.exclude(condition) if exclude else self.filter(condition)

    def assigned_to(self, names: list[str], *, exclude: bool = False) -> Self:
        """Keep, or leave out, orders of these people, by user name; `none` is nobody."""
        condition = Q(assignee__in=[name for name in names if name != NOBODY])
        if NOBODY in names:
            condition |= Q(assignee=None)
        return self.exclude(condition) if exclude else self.filter(condition)

    def askable(self) -> Self:
        """Keep orders that the OMS can be asked for: by a name that it may have as we have it.

        A name with what no text column keeps (U+FFFD stands for it), or of more than 200
        characters, would never be found.
        """
        long = self.alias(name_length=Length("order_name"))
        named = long.filter(name_length__gt=0, name_length__lte=LONGEST_NAME)
        return named.exclude(order_name__contains="\ufffd").exclude(order_name__contains="\u0001")

    def with_verdicts(self, verdicts: list[str], *, exclude: bool = False) -> Self:
        """Keep, or leave out, orders with one of these verdicts."""
        condition = Q(verdict__in=verdicts)
        return self.exclude(condition) if exclude else self.filter(condition)

    def arrived_in(self, spans: list[str], *, exclude: bool = False) -> Self:
        """Keep, or leave out, orders that arrived within one of these spans (ARRIVAL_SPANS)."""
        condition = reduce(or_, map(arrived_within, spans))
        return self.exclude(condition) if exclude else self.filter(condition)

    def resolved_by(self, actors: list[str], *, exclude: bool = False) -> Self:
        """Keep, or leave out, resolved orders that one of these user names, or SYSTEM, resolved."""
        condition = Q(state=State.RESOLVED, state_by__in=actors)
        return self.exclude(condition) if exclude else self.filter(condition)

    def dated(self, which: str, start: datetime | None, end: datetime | None) -> Self:
        """Keep orders whose date lies in [start, end): `failed`, `first`, `created`, `expires`."""
        column = DATES[which]
        conditions = Q()
        if start is not None:
            conditions &= Q(**{f"{column}__gte": start})
        if end is not None:
            conditions &= Q(**{f"{column}__lt": end})
        return self.filter(conditions)

    def in_hour(self, which: str, weekday: int, hour: int) -> Self:
        """Keep orders whose date lies in an hour of a weekday (1 = Monday) of the current zone."""
        column = DATES[which]
        return self.filter(**{f"{column}__iso_week_day": weekday, f"{column}__hour": hour})

    def sorted_by(self, sort: str) -> Self:
        """Sort by a key of SORTS, `-` reverses. Nulls last; ties by id, in the same direction."""
        descending = sort.startswith("-")
        columns = [F(SORTS[sort.removeprefix("-")]), F("id")]
        return self.order_by(*(_directed(column, descending) for column in columns))

    def at_page(self, host: str, token: str) -> Self:
        """Keep orders whose page in Shopify has this token; of the shop at ``host``, if known.

        In the addresses of Shopify's admin the token is the order's number.
        """
        numbered = self.filter(shopify_id=token)
        if is_shopify_id(token) and numbered.exists():
            return numbered
        of_shop = self.of_shops([host])
        orders = of_shop if of_shop.exists() else self
        return orders.filter(site_url__contains=f"/orders/{token}")

    def failed_after(self, attempt: int) -> Self:
        """Keep orders with an attempt that was stored after the one of this primary key."""
        return self.filter(pk__in=Attempt.objects.filter(pk__gt=attempt).values("order"))

    def for_list(self) -> Self:
        """Load what a row of the list shows, and nothing that is long."""
        return self.select_related("shop", "signature").only(*LIST_COLUMNS)


class AttemptQuerySet(SignedQuerySet["Attempt"]):
    """What can be asked of the attempts."""

    def of(self, orders: FailedOrderQuerySet) -> Self:
        """Keep the attempts of these orders."""
        if not orders.query.where:
            return self  # of all orders
        return self.filter(order__in=orders.order_by().values("pk"))

    def logged_between(self, start: datetime | None, end: datetime | None) -> Self:
        """Keep attempts logged in [start, end); None leaves an end open."""
        attempts = self.exclude(logged_at=None)
        if start is not None:
            attempts = attempts.filter(logged_at__gte=start)
        return attempts if end is None else attempts.filter(logged_at__lt=end)

    def in_hour(self, weekday: int, hour: int) -> Self:
        """Keep attempts logged in an hour of a weekday (1 = Monday) of the current zone."""
        return self.filter(logged_at__iso_week_day=weekday, logged_at__hour=hour)


def shop_handles(most: int) -> list[str]:
    """Return the handles of the first shops that have one, by name."""
    rows = Shop.objects.exclude(handle="").order_by("sort_key")
    return list(rows.values_list("handle", flat=True)[:most])


def failed_orders() -> FailedOrderQuerySet:
    """Return all failed orders, to be narrowed by the methods of FailedOrderQuerySet."""
    return FailedOrderQuerySet(FailedOrder)


def attempts_of(orders: FailedOrderQuerySet) -> AttemptQuerySet:
    """Return all attempts of these orders, to be narrowed by the methods of AttemptQuerySet."""
    return AttemptQuerySet(Attempt).of(orders)


def latest_attempt() -> int:
    """Return the primary key of the attempt that was stored last; 0 if there is none."""
    return Attempt.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def failed_order(pk: int) -> FailedOrder | None:
    """Return an order with its shop and signature; None if there is none."""
    rows = failed_orders().select_related("shop", "signature").defer("search_text")
    return rows.filter(pk=pk).first()


def error_named(slug: str) -> ErrorSignature | None:
    """Return the signature of a slug, or of one that it had under earlier rules."""
    return signatures_named([slug]).first()


def signatures_of(keys: Iterable[int]) -> dict[int, ErrorSignature]:
    """Return signatures by their primary keys."""
    return ErrorSignature.objects.in_bulk(set(keys))


def sentences_of(slugs: list[str]) -> dict[str, str]:
    """Return what signatures are called, by their slugs; unknown slugs are left out.

    That is the plain sentence, or the template where nobody wrote one.
    """
    if not slugs:
        return {}
    aliases = SignatureAlias.objects.filter(slug__in=slugs)
    rows = ErrorSignature.objects.filter(slug__in=slugs)
    old = aliases.values_list("slug", "signature__plain", "signature__template")
    now = rows.values_list("slug", "plain", "template")
    return {slug: plain or template for slug, plain, template in (*old, *now)}
