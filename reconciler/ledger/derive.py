"""Columns are derived from raw documents: when reading changes, every row is derived again.

Goes by orders, so that an order keeps its row (and all that people did to it) when its shop turns
out to be another one.
"""

from reconciler.hotwax.documents import (
    Document,
    FailureDocument,
    Reading,
    UnreadableDocument,
    from_text,
    read_document,
)
from reconciler.ledger.intake import Derived, fill, roll_up, upsert
from reconciler.ledger.models import Attempt, ErrorSignature, FailedOrder, SignatureAlias
from reconciler.ledger.models import UnreadableDocument as Unreadable
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
    by_order: dict[int, list[Pair]] = {order.pk: [] for order in orders}
    for attempt in Attempt.objects.filter(order__in=orders).order_by("pk"):
        document = read_document(from_text(attempt.raw), doc_type, reading)
        if isinstance(document, FailureDocument) and _may_be(attempt, document):
            by_order[attempt.order_id].append((document, attempt))
        else:
            _leave(attempt, document)
    pairs = [pair for mine in by_order.values() for pair in mine]
    derived = Derived([document for document, _ in pairs], rules)
    for order in orders:
        _move_whole(order, by_order[order.pk], derived)
    touched = derived.orders_with(pairs)
    _remember_slugs(pairs, derived)
    for document, attempt in pairs:
        seen, left = attempt.seen_last_at, (attempt.left_log_at, attempt.left_log_reason)
        fill(attempt, document, derived, seen)
        attempt.left_log_at, attempt.left_log_reason = left
    columns = [f.name for f in Attempt._meta.concrete_fields if not f.primary_key]
    Attempt.objects.bulk_update([attempt for _, attempt in pairs], columns, batch_size=50)
    roll_up({order.pk for order in orders} | touched.known | touched.new)
    return orders[-1].pk


def _may_be(attempt: Attempt, document: FailureDocument) -> bool:
    """Whether no other attempt holds the key that the document has now."""
    key = {"document_key": document.document_key, "logged_key": document.logged_key}
    return not Attempt.objects.filter(**key).exclude(pk=attempt.pk).exists()


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


def _move_whole(order: FailedOrder, pairs: list[Pair], derived: Derived) -> None:
    """Let an order keep its row where all its attempts go to one other order that is new."""
    targets = {(derived.shop(document).pk, document.order_key) for document, _ in pairs}
    if len(targets) != 1:
        return
    shop, key = targets.pop()
    taken = FailedOrder.objects.filter(shop_id=shop, order_key=key).exists()
    if key == order.order_key and shop != order.shop_id and not taken:
        FailedOrder.objects.filter(pk=order.pk).update(shop_id=shop)


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
