"""Columns are derived from raw documents: when reading changes, every row is derived again.

Goes by orders, so that an order keeps its row (and all that people did to it) when its shop turns
out to be another one.
"""

from collections import defaultdict

from reconciler.hotwax.documents import (
    Document,
    FailureDocument,
    Reading,
    UnreadableDocument,
    from_text,
    read_document,
)
from reconciler.ledger.intake import Derived, fill, upsert
from reconciler.ledger.merging import hand_over
from reconciler.ledger.models import Attempt, ErrorSignature, FailedOrder, SignatureAlias
from reconciler.ledger.models import UnreadableDocument as Unreadable
from reconciler.ledger.roll_up import roll_up
from reconciler.ledger.signatures import corrections, runbooks
from reconciler.ledger.signatures.rules import SignatureRules

ORDERS_A_BATCH = 200

Pair = tuple[FailureDocument, Attempt]


def derive_again(after: int, doc_type: str, reading: Reading, rules: SignatureRules) -> int:
    """Derive the next orders after a primary key; return the last one's, 0 when all are done.

    The caller opens the transaction and holds the lease.
    """
    orders = list(FailedOrder.objects.filter(pk__gt=after).order_by("pk")[:ORDERS_A_BATCH])
    if not orders:
        _derive_unreadable(doc_type, reading, rules)
        _retire()
        return 0
    attempts = Attempt.objects.filter(order__in=orders).order_by("pk")
    pairs = _kept([(read_document(from_text(a.raw), doc_type, reading), a) for a in attempts])
    derived = Derived([document for document, _ in pairs], rules)
    _move_whole(orders, pairs, derived)
    before = {attempt.pk: attempt.order_id for _, attempt in pairs}
    touched = derived.orders_with(pairs)
    _remember_slugs(pairs, derived)
    for document, attempt in pairs:
        seen, left = attempt.seen_last_at, (attempt.left_log_at, attempt.left_log_reason)
        fill(attempt, document, derived, seen)
        attempt.left_log_at, attempt.left_log_reason = left
    columns = [f.name for f in Attempt._meta.concrete_fields if not f.primary_key]
    # One upsert for all; bulk_update would write a CASE for each column and row.
    Attempt.objects.bulk_create(
        [attempt for _, attempt in pairs],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=columns,
    )
    hand_over({before[attempt.pk]: attempt.order_id for _, attempt in pairs})
    roll_up({order.pk for order in orders} | touched.known | touched.new, rules)
    return orders[-1].pk


def _kept(read: list[tuple[Document, Attempt]]) -> list[Pair]:
    """Return what is a failure under a key that no other attempt holds; drop the rest."""
    failures = [d for d, _ in read if isinstance(d, FailureDocument)]
    rows = Attempt.objects.filter(document_key__in={d.document_key for d in failures})
    holders = {
        (document_key, logged_key): pk
        for pk, document_key, logged_key in rows.values_list("pk", "document_key", "logged_key")
    }
    pairs: list[Pair] = []
    for document, attempt in read:
        if isinstance(document, FailureDocument):
            key = (document.document_key, document.logged_key)
            if holders.setdefault(key, attempt.pk) == attempt.pk:
                pairs.append((document, attempt))
                continue
        _leave(attempt, document)
    return pairs


def _leave(attempt: Attempt, document: Document) -> None:
    """Drop an attempt that is none any more; what cannot be read is kept as such."""
    if isinstance(document, UnreadableDocument):
        Unreadable.objects.get_or_create(
            sha256=document.sha256,
            defaults={
                "raw": document.raw,
                "reason": document.reason,
                "seen_first_at": attempt.seen_first_at,
                "seen_last_at": attempt.seen_last_at,
                "left_log_at": attempt.left_log_at,
            },
        )
    attempt.delete()


def _move_whole(orders: list[FailedOrder], pairs: list[Pair], derived: Derived) -> None:
    """Let orders keep their row where all attempts of one go to one other order that is new."""
    targets: dict[int, set[tuple[int, str]]] = defaultdict(set)
    for document, attempt in pairs:
        targets[attempt.order_id].add((derived.shop(document).pk, document.order_key))
    wanted = {}
    for order in orders:
        to = targets[order.pk]
        if len(to) == 1 and to != {(order.shop_id, order.order_key)}:
            wanted[order.pk] = to.pop()
    keys = {key for _, key in wanted.values()}
    rows = FailedOrder.objects.filter(order_key__in=keys) if keys else FailedOrder.objects.none()
    taken = set(rows.values_list("shop_id", "order_key"))
    moves: dict[int, list[int]] = defaultdict(list)
    for order in orders:
        shop, key = wanted.get(order.pk, (None, ""))
        if shop and key == order.order_key and (shop, key) not in taken:
            taken.add((shop, key))
            moves[shop].append(order.pk)
    for shop, mine in moves.items():
        FailedOrder.objects.filter(pk__in=mine).update(shop_id=shop)


def _remember_slugs(pairs: list[Pair], derived: Derived) -> None:
    """Let the old slug lead to where its errors went; where they part, to the first."""
    moves: dict[int, int] = {}
    for document, attempt in pairs:
        signature = derived.signature(document)
        if attempt.signature_id != signature.pk:
            moves.setdefault(attempt.signature_id, signature.pk)
    slugs = dict(ErrorSignature.objects.filter(pk__in=moves).values_list("pk", "slug"))
    aliases = [SignatureAlias(slug=slugs[old], signature_id=new) for old, new in moves.items()]
    SignatureAlias.objects.bulk_create(aliases, ignore_conflicts=True)


def _retire() -> None:
    """Drop signatures whose errors all went elsewhere; their slugs live on as aliases."""
    empty = ErrorSignature.objects.filter(orders=None, attempts=None)
    for old in empty.filter(slug__in=SignatureAlias.objects.values("slug")):
        target = SignatureAlias.objects.exclude(signature=old).filter(slug=old.slug).first()
        if target is not None:
            corrections.hand_over(old, target.signature)
            runbooks.hand_over(old, target.signature)
            old.aliases.update(signature=target.signature_id)
            old.delete()


def _derive_unreadable(doc_type: str, reading: Reading, rules: SignatureRules) -> None:
    for row in Unreadable.objects.all():
        document = read_document(from_text(row.raw), doc_type, reading)
        if isinstance(document, FailureDocument):
            upsert([document], row.seen_last_at, rules)
            row.delete()
        elif isinstance(document, UnreadableDocument) and document.reason != row.reason:
            row.reason = document.reason
            row.save()
