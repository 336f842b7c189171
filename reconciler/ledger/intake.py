"""Documents -> rows: an upsert that may be repeated, in any order, with the same result.

A batch is at most 500 documents and is written in the caller's transaction; reading the
documents happens before it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any, TypeVar

from django.db import connection
from django.db.models import DateTimeField

from reconciler.hotwax.documents import NO_SHOP, FailureDocument, ShopIdentity, UnreadableDocument
from reconciler.hotwax.links import SHOPIFY
from reconciler.ledger.merging import hand_over
from reconciler.ledger.models import (
    Attempt,
    ErrorSignature,
    FailedOrder,
    Shop,
    ShopHost,
)
from reconciler.ledger.models import UnreadableDocument as Unreadable
from reconciler.ledger.roll_up import AnAttempt, NewRow, fill_order, logged_when, roll_up
from reconciler.ledger.signatures.classification import classify
from reconciler.ledger.signatures.rules import RULES, SignatureRules, slug_of
from reconciler.ledger.signatures.values import write_values
from reconciler.ledger.sort_keys import name_keys, natural_sort_key, sort_key

BATCH = 500


@dataclass
class Intake:
    """What a batch changed. ``new_documents`` counts keys that the ledger did not have."""

    new_documents: int = 0
    new_unreadable: int = 0
    changed: bool = False
    orders: set[int] = field(default_factory=set)


def upsert(
    documents: Sequence[FailureDocument | UnreadableDocument],
    seen_at: datetime,
    rules: SignatureRules = RULES,
) -> Intake:
    """Write a batch. The caller opens the transaction and holds the lease."""
    result = Intake()
    readable = {
        (d.document_key, d.logged_key): d for d in documents if isinstance(d, FailureDocument)
    }
    _upsert_unreadable([d for d in documents if isinstance(d, UnreadableDocument)], seen_at, result)
    if readable:
        _upsert_attempts(readable, seen_at, rules, result)
    result.changed = bool(result.orders or result.new_unreadable)
    return result


def _upsert_unreadable(
    documents: Iterable[UnreadableDocument], seen_at: datetime, result: Intake
) -> None:
    by_hash = {d.sha256: d for d in documents}
    if not by_hash:
        return
    known = Unreadable.objects.filter(sha256__in=by_hash)
    known_hashes = set(known.values_list("sha256", flat=True))
    known.update(seen_last_at=seen_at, left_log_at=None)
    new = [
        Unreadable(
            sha256=d.sha256,
            raw=d.raw,
            reason=d.reason,
            seen_first_at=seen_at,
            seen_last_at=seen_at,
        )
        for d in by_hash.values()
        if d.sha256 not in known_hashes
    ]
    Unreadable.objects.bulk_create(new)
    result.new_unreadable = len(new)


def _upsert_attempts(
    documents: dict[tuple[str, str], FailureDocument],
    seen_at: datetime,
    rules: SignatureRules,
    result: Intake,
) -> None:
    keys = {key for key, _ in documents}
    known: dict[tuple[str, str], Attempt] = {}
    kept_keys = set()
    for attempt in Attempt.objects.filter(document_key__in=keys):
        known[attempt.document_key, attempt.logged_key] = attempt
        if attempt.left_log_at is None:
            kept_keys.add(attempt.document_key)
    result.new_documents = len(keys - kept_keys)

    unchanged, changed, new = [], [], []
    for key, document in documents.items():
        attempt_row = known.get(key)
        if attempt_row is None:
            new.append(document)
        elif attempt_row.raw == document.raw and attempt_row.left_log_at is None:
            unchanged.append(attempt_row.pk)
        else:
            changed.append((attempt_row, document))
    Attempt.objects.filter(pk__in=unchanged).update(seen_last_at=seen_at)
    if not (new or changed):
        return

    derived = Derived([*new, *(document for _, document in changed)], rules)
    before = {attempt_row.pk: attempt_row.order_id for attempt_row, _ in changed}
    result.orders.update(before.values())  # where they were, should they move
    for attempt_row, document in changed:
        fill(attempt_row, document, derived, seen_at)
    rows = [fill(NewRow(seen_first_at=seen_at), d, derived, seen_at) for d in new]
    orders = derived.orders_with([*((d, row) for row, d in changed), *zip(new, rows, strict=True)])
    _insert(Attempt, rows)
    for attempt_row, _ in changed:
        attempt_row.save()
    hand_over({before[attempt_row.pk]: attempt_row.order_id for attempt_row, _ in changed})
    roll_up(result.orders | orders.known, rules)
    result.orders |= orders.known | orders.new


AttemptOrNew = TypeVar("AttemptOrNew", Attempt, NewRow)


@dataclass
class _Orders:
    new: set[int]
    known: set[int]


class Derived:
    """The shops, signatures and orders of a batch, made where they are missing."""

    def __init__(self, documents: Sequence[FailureDocument], rules: SignatureRules) -> None:
        self._shops = _shops({d.shop for d in documents})
        self._rules = rules
        self._templates = {
            text: rules.template_of(text)
            for text in {document.error_text for document in documents}
        }
        self._signatures = _signatures(set(self._templates.values()), rules.version)

    def signature(self, document: FailureDocument) -> ErrorSignature:
        """Return the signature of a document's error."""
        return self._signatures[self._templates[document.error_text]]

    def shop(self, document: FailureDocument) -> Shop:
        """Return the shop of a document."""
        return self._shops[document.shop.key]

    def orders_with(self, pairs: Sequence[tuple[FailureDocument, AnAttempt]]) -> _Orders:
        """Give each attempt its order; an order made here is rolled up before it is written."""
        wanted: dict[tuple[int, str], list[tuple[FailureDocument, AnAttempt]]] = defaultdict(list)
        for document, attempt in pairs:
            wanted[self._shops[document.shop.key].pk, document.order_key].append(
                (document, attempt)
            )
        names = {name for _, name in wanted}
        orders = self._order_ids(names)
        missing = [
            _new_order(shop, name, mine[0][0], [attempt for _, attempt in mine])
            for (shop, name), mine in wanted.items()
            if (shop, name) not in orders
        ]
        known = {orders[key] for key in wanted if key in orders}
        if missing:
            _insert(FailedOrder, missing)
            orders |= self._order_ids({order.order_key for order in missing})
            latest = (
                (orders[key], max((row for _, row in wanted[key]), key=logged_when).error_text)
                for key in ((order.shop_id, order.order_key) for order in missing)
            )
            write_values(latest, self._rules, are_new=True)
        for key, mine in wanted.items():
            for _, attempt in mine:
                attempt.order_id = orders[key]
        return _Orders(new={orders[key] for key in wanted} - known, known=known)

    def _order_ids(self, keys: set[str]) -> dict[tuple[int, str], int]:
        rows = FailedOrder.objects.filter(order_key__in=keys)
        return {(shop, key): pk for shop, key, pk in rows.values_list("shop_id", "order_key", "pk")}


def _insert(model: type[Attempt] | type[FailedOrder], rows: Sequence[NewRow]) -> None:
    """Insert rows with one executemany.

    bulk_create spends more time on preparing each value than the database on storing it, and
    halves the speed of a backfill (`make bench`). Of our values only datetimes need preparing.
    """
    if not rows:
        return
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    table = connection.ops.quote_name(model._meta.db_table)
    marks = ", ".join(["%s"] * len(fields))
    columns = [field.attname for field in fields]
    values = [list(map(row.__dict__.get, columns)) for row in rows]
    if connection.vendor == "sqlite":
        dates = [n for n, field in enumerate(fields) if isinstance(field, DateTimeField)]
        for row_values in values:
            for n in dates:
                row_values[n] = row_values[n] and _written(row_values[n])
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} ({names}) VALUES ({marks})",  # noqa: S608 - names of models
            values,
        )


@lru_cache(maxsize=8192)
def _written(moment: datetime) -> str:
    """Write a moment as Django does for SQLite: in UTC, without saying so."""
    return str(moment.astimezone(UTC)).removesuffix("+00:00")


@cache
def _defaults_of_orders() -> dict[str, Any]:
    """Return the columns of an order that nobody has worked on yet, as the database takes them."""
    fields = [field for field in FailedOrder._meta.concrete_fields if not field.primary_key]
    return {
        field.attname: field.get_db_prep_save(field.get_default(), connection) for field in fields
    }


def _new_order(
    shop_id: int, key: str, document: FailureDocument, attempts: list[AnAttempt]
) -> NewRow:
    name = document.order_name
    told = {"shop_id": shop_id, "order_key": key, "order_name": name}
    order = NewRow(**_defaults_of_orders() | told)
    order.name_key, order.name_tail = name_keys(name)
    order.name_sort_key = natural_sort_key(name) if name else None
    fill_order(order, attempts, max(attempts, key=logged_when))
    return order


def _shops(identities: set[ShopIdentity]) -> dict[str, Shop]:
    keys = {identity.key for identity in identities}
    shops = {shop.key: shop for shop in Shop.objects.filter(key__in=keys)}
    hosts = set(ShopHost.objects.filter(shop__key__in=keys).values_list("shop__key", "host"))
    # In the order of their hosts, so that the same documents make the same shops.
    for identity in sorted(identities, key=lambda i: (not i.handle, i.handle, i.host)):
        shop = shops.get(identity.key)
        if shop is None:
            shop = shops[identity.key] = Shop.objects.create(
                key=identity.key, **_shop_names(identity.handle, identity.host)
            )
        elif identity.handle and (not shop.handle or identity.handle < shop.handle):
            # Of two handles the first in the alphabet, whatever the order of arrival.
            Shop.objects.filter(pk=shop.pk).update(**_shop_names(identity.handle, identity.host))
            shop.handle = identity.handle
        if identity.host and (identity.key, identity.host) not in hosts:
            ShopHost.objects.create(shop=shop, host=identity.host)
            hosts.add((identity.key, identity.host))
    return shops


def _shop_names(handle: str, host: str) -> dict[str, str]:
    name = f"{handle}{SHOPIFY}" if handle else host or NO_SHOP
    return {"handle": handle, "name": name, "sort_key": sort_key(name)}


def _signatures(templates: set[str], version: int) -> dict[str, ErrorSignature]:
    slugs = {slug_of(template): template for template in templates}
    found = {row.slug: row for row in ErrorSignature.objects.filter(slug__in=slugs)}
    for row in found.values():
        if row.rules_version != version:
            _classified(row, version).save()
    missing = [
        _classified(_new_signature(slug, template), version)
        for slug, template in slugs.items()
        if slug not in found
    ]
    found |= {row.slug: row for row in ErrorSignature.objects.bulk_create(missing)}
    return {template: found[slug] for slug, template in slugs.items()}


def _new_signature(slug: str, template: str) -> ErrorSignature:
    return ErrorSignature(slug=slug, template=template, sort_key=sort_key(template))


def _classified(signature: ErrorSignature, version: int) -> ErrorSignature:
    found = classify(signature.template)
    if signature.corrected_at is None:
        signature.category, signature.retry = found.category, found.retry
    signature.plain, signature.rules_version = found.plain, version
    return signature


def fill(
    attempt: AttemptOrNew, document: FailureDocument, derived: Derived, seen_at: datetime
) -> AttemptOrNew:
    """Fill an attempt's columns, but for its order, from what its document says."""
    attempt.document_key = document.document_key
    attempt.logged_key = document.logged_key
    attempt.logged_at = document.logged_at
    attempt.expires_at = document.expires_at
    attempt.order_created_at = document.created_at
    attempt.first_attempted_at = document.first_attempted_at
    attempt.signature_id = derived.signature(document).pk
    attempt.seen_last_at = seen_at
    attempt.left_log_at = None
    attempt.left_log_reason = ""
    attempt.problems = "\n".join(document.problems)
    attempt.site = document.site
    attempt.error_text = document.error_text
    attempt.raw = document.raw
    return attempt
