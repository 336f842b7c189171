"""Re-import packs: orders in batches for HotWax's import job, and what became of them."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery

from reconciler.ledger.models import (
    ErrorSignature,
    EventKind,
    FailedOrder,
    Pack,
    PackBatch,
    PackOrder,
    State,
    SyncState,
    Verdict,
)
from reconciler.ledger.queries import (
    CLOCK_TOLERANCE,
    LONGEST_NAME,
    FailedOrderQuerySet,
    failed_orders,
)
from reconciler.ledger.sort_keys import name_keys
from reconciler.ledger.work.events import event, record

#: Batches imported longer ago are not asked about on their own.
CHECKED_FOR = timedelta(days=7)
#: A text with numbers of orders in Shopify is at most so long, in characters.
LONGEST_IDS = 900_000
_NUMBER = re.compile(r"\d{6,20}", re.ASCII)


class NoOrders(Exception):
    """None of the orders can be imported again."""


def make_pack(keys: Sequence[int], actor: str, now: datetime) -> Pack:
    """Put orders into batches per shop; those that are in HotWax already are left out.

    Raises NoOrders.
    """
    with transaction.atomic():
        SyncState.lock()  # so that no order goes meanwhile
        rows = failed_orders().filter(pk__in=keys).select_related("shop", "signature")
        orders = list(rows.order_by("shop__sort_key", "shop", "name_sort_key", "pk"))
        wanted = [order for order in orders if not _left_out(order)]
        if not wanted:
            raise NoOrders
        pack = Pack.objects.create(title=_title(wanted), actor=actor, at=now)
        number, members = 0, []
        for shop, of_shop in groupby(wanted, attrgetter("shop_id")):
            mine = list(of_shop)
            for i in range(0, len(mine), settings.IMPORT_BATCH):
                number += 1
                batch = PackBatch.objects.create(pack=pack, number=number, shop_id=shop)
                chunk = mine[i : i + settings.IMPORT_BATCH]
                members += [_member(pack, order, batch) for order in chunk]
        members += [_member(pack, order, None) for order in orders if _left_out(order)]
        PackOrder.objects.bulk_create(members, batch_size=500)
        _tell(wanted, actor, now, f"pack {pack.pk}")
    return pack


def _left_out(order: FailedOrder) -> str:
    if not _can_be_pasted(order.order_name):
        return PackOrder.LeftOut.NAMELESS
    if order.verdict in (Verdict.IMPORTED, Verdict.DUPLICATE):
        return PackOrder.LeftOut(order.verdict)
    return ""


def _can_be_pasted(name: str) -> bool:
    """Return True for a name of one line that HotWax may have as we have it."""
    one_line = len(name.splitlines()) == 1 and len(name) <= LONGEST_NAME
    return one_line and not {"\ufffd", "\u0001"} & set(name)


def _member(pack: Pack, order: FailedOrder, batch: PackBatch | None) -> PackOrder:
    return PackOrder(
        pack=pack,
        batch=batch,
        order=order,
        signature_id=order.signature_id,
        shopify_id=order.shopify_id or "",
        left_out="" if batch else _left_out(order),
    )


def _title(orders: list[FailedOrder]) -> str:
    signatures = {order.signature for order in orders}
    if len(signatures) > 1:
        return ""
    (one,) = signatures
    return one.title[:200]


def _tell(orders: Iterable[FailedOrder | int], actor: str, now: datetime, what: str) -> None:
    record([event(EventKind.PACK, now, order=one, actor=actor, after=what) for one in orders])


def imported(batch: PackBatch, actor: str, now: datetime) -> bool:
    """Note that a batch was given to the import job; return False if that was noted before."""
    with transaction.atomic():
        rows = PackBatch.objects.filter(pk=batch.pk, imported_at=None)
        if not rows.update(imported_at=now, imported_by=actor):
            return False
        orders = list(batch.orders.values_list("order", flat=True))
        _tell(orders, actor, now, f"pack {batch.pack_id}, imported")
    return True


def interval() -> timedelta:
    """Return how long the import job may take: IMPORT_INTERVAL_MINUTES."""
    return timedelta(minutes=settings.IMPORT_INTERVAL_MINUTES)


def due_of_packs(now: datetime) -> FailedOrderQuerySet:
    """Return the orders of imported batches whose job has had its time, and not asked for since."""
    done, oldest = now - interval(), now - CHECKED_FOR
    members = PackOrder.objects.filter(
        batch__imported_at__lte=done, batch__imported_at__gte=oldest
    ).filter(
        Q(order__verdict_at=None)
        | Q(order__verdict_at__lt=F("batch__imported_at") + interval())
        | Q(order__verdict_at__gt=now + CLOCK_TOLERANCE)
    )
    return failed_orders().filter(pk__in=members.values("order")).exclude(state=State.RESOLVED)


# ---------------------------------------------------------------------- what became of a pack


@dataclass(frozen=True)
class Outcome:
    """What became of a batch at a moment."""

    batch: PackBatch
    members: list[PackOrder]
    arrived: int
    #: Those that did not arrive, and were asked about after the import job had its time, or will
    #: not be asked about.
    waiting: list[PackOrder]
    #: Orders that will be asked about still.
    to_ask: int
    #: When the import job has had its time; None until somebody imported the batch.
    checked_from: datetime | None
    #: Median time from the import to the answer that it arrived, of orders that were known to be
    #: missing before; None if nothing arrived so.
    median: timedelta | None

    @property
    def of(self) -> int:
        """Return how many orders it has."""
        return len(self.members)

    @property
    def is_checked(self) -> bool:
        """Return True once nothing more will be asked about it by itself."""
        return self.checked_from is not None and not self.to_ask

    @property
    def to_paste(self) -> list[PackOrder]:
        """Return the orders that are to be imported: not those that are in HotWax by now."""
        left_out = set(self.by_now)
        return [member for member in self.members if member.order.order_name not in left_out]

    @property
    def names(self) -> list[str]:
        """Return the order names, as they are to be pasted."""
        return [member.order.order_name for member in self.to_paste]

    @property
    def shopify_ids(self) -> list[str]:
        """Return the numbers in Shopify that are known."""
        return [member.shopify_id for member in self.to_paste if member.shopify_id]

    @property
    def without_id(self) -> list[PackOrder]:
        """Return the orders whose number in Shopify is not known."""
        return [member for member in self.members if not member.shopify_id]

    @property
    def by_now(self) -> list[str]:
        """Return the names that are in HotWax by now, of a batch that nobody imported yet."""
        if self.batch.imported_at is not None:
            return []
        orders = [member.order for member in self.members]
        return [o.order_name for o in orders if o.verdict in (Verdict.IMPORTED, Verdict.DUPLICATE)]


def outcomes(pack: Pack, now: datetime) -> list[Outcome]:
    """Return what became of each batch of a pack."""
    members: dict[int | None, list[PackOrder]] = {}
    rows = pack.orders.select_related("order", "order__shop", "order__signature")
    for member in rows.defer("order__search_text"):
        members.setdefault(member.batch_id, []).append(member)
    return [
        _outcome(batch, members.get(batch.pk, []), now)
        for batch in pack.batches.select_related("shop")
    ]


def _outcome(batch: PackBatch, members: list[PackOrder], now: datetime) -> Outcome:
    arrived = [m.order for m in members if m.order.verdict == Verdict.IMPORTED]
    others = [m for m in members if m.order.verdict != Verdict.IMPORTED]
    start = batch.imported_at
    since = start + interval() if start else None
    settled = [m for m in others if since and _is_settled(m.order, since, now)]
    took = sorted(
        order.arrived_at - start
        for order in arrived
        if start and order.arrived_at and order.arrived_at >= start
    )
    median = took[len(took) // 2] if took else None
    to_ask = len(others) - len(settled)
    return Outcome(batch, members, len(arrived), settled, to_ask, since, median)


def _is_settled(order: FailedOrder, since: datetime, now: datetime) -> bool:
    """Return True if an order was asked about since a moment, or is not asked about any more."""
    asked = order.verdict_at is not None and since <= order.verdict_at <= now + CLOCK_TOLERANCE
    return asked or order.state == State.RESOLVED or now > since + CHECKED_FOR


def left_out_of(pack: Pack) -> list[PackOrder]:
    """Return the orders that were left out of a pack."""
    rows = pack.orders.filter(batch=None).select_related("order", "order__shop")
    return list(rows.defer("order__search_text"))


def note_checked(pack: Pack, now: datetime) -> None:
    """Remember that a person let the OMS be asked about a pack."""
    Pack.objects.filter(pk=pack.pk).update(checked_at=now)


@dataclass(frozen=True)
class PackRow:
    """A pack in the list of packs, with how many of its imported orders arrived."""

    pack: Pack
    orders: int
    shops: int
    imported: int
    arrived: int


def pack_rows(packs: Sequence[Pack]) -> list[PackRow]:
    """Count what became of packs."""
    given = Q(batch__imported_at__isnull=False)
    there = given & Q(order__verdict=Verdict.IMPORTED)
    counted = (
        PackOrder.objects.filter(pack__in=packs, batch__isnull=False)
        .values("pack")
        .annotate(
            orders=Count("pk"),
            shops=Count("batch__shop", distinct=True),
            imported=Count("pk", filter=given),
            arrived=Count("pk", filter=there),
        )
    )
    columns = ("orders", "shops", "imported", "arrived")
    counts = {pk: numbers for pk, *numbers in counted.values_list("pack", *columns)}
    return [PackRow(pack, *counts.get(pack.pk, [0] * len(columns))) for pack in packs]


def all_packs() -> QuerySet[Pack]:
    """Return all packs, newest first."""
    return Pack.objects.order_by("-pk")


@dataclass(frozen=True)
class Worked:
    """How often importing again helped after an error, where the OMS was asked since."""

    times: int
    of: int
    last: datetime | None


def worked(signature: ErrorSignature) -> Worked:
    """Count the orders of an error that were imported again by packs, and of them the arrived."""
    later = PackOrder.objects.filter(
        order=OuterRef("order"), batch__imported_at__gt=OuterRef("batch__imported_at")
    ).order_by("batch__imported_at")
    imported_at, arrived_at = F("batch__imported_at"), "order__arrived_at"
    # What was imported once more did not arrive by the first time, unless it is known to have.
    arrived = Q(order__verdict=Verdict.IMPORTED) & (
        Q(next_at=None) | Q(**{f"{arrived_at}__lt": F("next_at")})
    )
    asked = Q(order__verdict_at__gte=imported_at + interval())
    members = (
        PackOrder.objects.filter(signature=signature, batch__imported_at__isnull=False)
        .filter(Q(**{arrived_at: None}) | Q(**{f"{arrived_at}__gte": imported_at}))
        .annotate(next_at=Subquery(later.values("batch__imported_at")[:1]))
        .filter(arrived | asked)
    )
    counts = members.aggregate(of=Count("pk"), times=Count("pk", filter=arrived))
    last = members.order_by("-batch__imported_at").values_list("batch__imported_at", flat=True)
    return Worked(counts["times"], counts["of"], last.first())


# ---------------------------------------------------------------------- numbers in Shopify


class UnreadableIds(ValueError):
    """A text holds no numbers of orders beside their names; it says what is wanted."""


def add_ids(batch: PackBatch, text: str) -> int:
    """Read numbers of orders in Shopify beside their names; return how many were matched.

    ``text`` is Shopify's own export of orders (CSV with the columns Id and Name), or lines of a
    number and a name. Names are matched within the batch's shop only. Raises UnreadableIds.
    """
    if len(text) > LONGEST_IDS:
        raise UnreadableIds(f"That is too long: at most {LONGEST_IDS:,} characters.")
    pairs = set(_of_csv(text) or _of_lines(text))
    if not pairs:
        raise UnreadableIds(
            "Paste Shopify’s orders CSV (with the columns Id and Name), or lines of a number and "
            "an order name."
        )
    exact = _numbers((name, number) for name, number in pairs)
    loose = _numbers((_key(name), number) for name, number in pairs)
    matched, members = [], list(batch.orders.select_related("order"))
    keys = Counter(_key(member.order.order_name) for member in members)
    for member in members:
        name = member.order.order_name
        number = exact.get(name, "")
        # "#1" and "1" are one key: where both are orders, only the name as it stands counts.
        if not number and keys[_key(name)] == 1:
            number = loose.get(_key(name), "")
        if number:
            member.shopify_id = number
            matched.append(member)
    PackOrder.objects.bulk_update(matched, ["shopify_id"], batch_size=200)
    return len(matched)


def _key(name: str) -> str:
    return name_keys(name)[0]


def _numbers(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return numbers by name; of a name that has two, none."""
    found: dict[str, str] = {}
    for name, number in pairs:
        found[name] = number if found.get(name, number) == number else ""
    return found


def _of_csv(text: str) -> list[tuple[str, str]]:
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=None))
    pairs = []
    try:
        names = {(field or "").strip().casefold(): field for field in reader.fieldnames or ()}
        if not {"id", "name"} <= set(names):
            return []
        for row in reader:
            name, number = row[names["name"]] or "", (row[names["id"]] or "").strip()
            if name.strip() and _NUMBER.fullmatch(number):
                pairs.append((name.strip(), number))
    except csv.Error:
        return []
    return pairs


def _of_lines(text: str) -> list[tuple[str, str]]:
    pairs = []
    for line in text.splitlines():
        parts = [part for part in re.split(r"[\s,;]+", line.strip()) if part]
        numbers = [part for part in parts if _NUMBER.fullmatch(part)]
        if len(parts) == 2 and numbers:
            # Of two numbers the longer is Shopify's.
            number = max(numbers, key=len)
            pairs.append((parts[1] if parts[0] == number else parts[0], number))
    return pairs
