"""The one door to the core: what the dashboard may import of it.

Everything here answers from the ledger. ``refresh`` asks HotWax what changed first, where that is
due, without making anybody wait. All datetimes are in UTC.
"""

from django.utils import timezone

from reconciler.hotwax.documents import FIELD_OF_NAME, as_text, from_text
from reconciler.hotwax.links import (
    admin_link,
    host_of,
    link_of,
    mask_keys,
    order_page,
    without_query,
)
from reconciler.ledger.arrival_spans import span_of
from reconciler.ledger.database import DISK_FULL, UNAVAILABLE, brief_wait, reason_of
from reconciler.ledger.export_rows import whole_rows
from reconciler.ledger.figures.cache import cached
from reconciler.ledger.figures.counts import (
    ViewCounts,
    earliest,
    lags,
    latest,
    over_time,
    per_span,
    per_view,
    percentile,
    quarters,
    totals,
    totals_over_time,
)
from reconciler.ledger.figures.facets import (
    Facet,
    FacetValue,
    by_choices,
    by_owner,
    by_shop,
    by_signature,
    facet_counts,
    names_of_hosts,
    number_of_shops,
    shop_counts,
    slugs_in_use,
)
from reconciler.ledger.figures.freshness import (
    LOG_KEEPS,
    Freshness,
    check_readable,
    freshness,
    freshness_of,
    status,
    unchecked_orders,
)
from reconciler.ledger.figures.incidents import Incident, incidents
from reconciler.ledger.figures.outcomes import (
    Outcomes,
    Resolver,
    backlog,
    outcomes_of,
)
from reconciler.ledger.figures.paging import (
    LAST_PLACE,
    following,
    neighbours,
    with_sorted_value,
)
from reconciler.ledger.figures.shops import shop_names
from reconciler.ledger.figures.signature_dates import dates_of_signatures
from reconciler.ledger.figures.silence import SHORT_SILENCE, silence
from reconciler.ledger.merging import successor_of
from reconciler.ledger.models import (
    SYSTEM,
    Action,
    Attempt,
    Category,
    ErrorSignature,
    Event,
    EventKind,
    FailedOrder,
    Pack,
    Retry,
    State,
    SyncState,
    UnreadableDocument,
    Verdict,
    WaitingFor,
)
from reconciler.ledger.queries import (
    DATES,
    NOBODY,
    SORTS,
    FailedOrderQuerySet,
    SignedQuerySet,
    attempts_of,
    error_named,
    failed_order,
    failed_orders,
    latest_attempt,
    sentences_of,
    shop_handles,
    signatures_of,
)
from reconciler.ledger.signatures.changes import Changes, orders_by_signature, quiet_signatures
from reconciler.ledger.signatures.corrections import correct
from reconciler.ledger.signatures.dates import SeenDates, new_signatures
from reconciler.ledger.signatures.runbooks import LONGEST_TEXT as LONGEST_RUNBOOK
from reconciler.ledger.signatures.runbooks import (
    Runbook,
    RunbookChanged,
    edit_runbook,
    runbook_history,
    runbook_of,
)
from reconciler.ledger.signatures.statistics import (
    ErrorRow,
    Numbers,
    error_numbers,
    error_row,
    error_rows,
    label_of,
    sample_texts,
)
from reconciler.ledger.signatures.values import (
    ValueCount,
    value_counts,
)
from reconciler.ledger.sync.connection_check import check_connection
from reconciler.ledger.sync.lookup import NameAnswer, answers_by_name
from reconciler.ledger.sync.order_index import check_now
from reconciler.ledger.sync.schedule import current_state
from reconciler.ledger.sync.source import AnotherHotWax, import_link
from reconciler.ledger.sync.watcher import Answer, ask_now, refresh_for_page
from reconciler.ledger.work.due import interval_of
from reconciler.ledger.work.events import activity, events_of, note_export, note_view
from reconciler.ledger.work.packs import (
    LONGEST_IDS,
    NoOrders,
    UnreadableIds,
    add_ids,
    all_packs,
    left_out_of,
    make_pack,
    note_checked,
    outcomes,
    pack_rows,
    worked,
)
from reconciler.ledger.work.packs import imported as note_imported
from reconciler.ledger.work.packs import interval as import_interval
from reconciler.ledger.work.triage import (
    LONGEST_NOTE,
    MOST_ORDERS,
    ActedSince,
    CannotUndo,
    Done,
    add_note,
    assign,
    can_undo,
    latest_action,
    note_check,
    set_state,
    undo,
)
from reconciler.ledger.work.verdicts import DATES_AGREE, shopify_id_of

__all__ = [
    "DATES",
    "DATES_AGREE",
    "DISK_FULL",
    "FIELD_OF_NAME",
    "LAST_PLACE",
    "LOG_KEEPS",
    "LONGEST_IDS",
    "LONGEST_NOTE",
    "LONGEST_RUNBOOK",
    "MOST_ORDERS",
    "NOBODY",
    "SHORT_SILENCE",
    "SORTS",
    "SYSTEM",
    "UNAVAILABLE",
    "ActedSince",
    "Action",
    "AnotherHotWax",
    "Answer",
    "Attempt",
    "CannotUndo",
    "Category",
    "Changes",
    "Done",
    "ErrorRow",
    "ErrorSignature",
    "Event",
    "EventKind",
    "Facet",
    "FacetValue",
    "FailedOrder",
    "FailedOrderQuerySet",
    "Freshness",
    "Incident",
    "NameAnswer",
    "NoOrders",
    "Numbers",
    "Outcomes",
    "Pack",
    "Resolver",
    "Retry",
    "Runbook",
    "RunbookChanged",
    "SeenDates",
    "SignedQuerySet",
    "State",
    "SyncState",
    "UnreadableDocument",
    "UnreadableIds",
    "ValueCount",
    "Verdict",
    "ViewCounts",
    "WaitingFor",
    "activity",
    "add_ids",
    "add_note",
    "admin_link",
    "all_packs",
    "answers_by_name",
    "as_text",
    "ask_now",
    "assign",
    "attempts_of",
    "backlog",
    "brief_wait",
    "by_choices",
    "by_owner",
    "by_shop",
    "by_signature",
    "cached",
    "can_undo",
    "check_connection",
    "check_now",
    "check_readable",
    "correct",
    "dates_of_signatures",
    "earliest",
    "edit_runbook",
    "error_named",
    "error_numbers",
    "error_row",
    "error_rows",
    "events_of",
    "facet_counts",
    "failed_order",
    "failed_orders",
    "following",
    "freshness",
    "from_text",
    "host_of",
    "import_interval",
    "import_link",
    "incidents",
    "interval_of",
    "label_of",
    "lags",
    "latest",
    "latest_action",
    "latest_attempt",
    "left_out_of",
    "link_of",
    "make_pack",
    "mask_keys",
    "names_of_hosts",
    "neighbours",
    "new_signatures",
    "note_check",
    "note_checked",
    "note_export",
    "note_imported",
    "note_view",
    "number_of_shops",
    "order_page",
    "orders_by_signature",
    "outcomes",
    "outcomes_of",
    "over_time",
    "pack_rows",
    "per_span",
    "per_view",
    "percentile",
    "quarters",
    "quiet_signatures",
    "reason_of",
    "refresh",
    "runbook_history",
    "runbook_of",
    "sample_texts",
    "sentences_of",
    "set_state",
    "shop_counts",
    "shop_handles",
    "shop_names",
    "shopify_id_of",
    "signatures_of",
    "silence",
    "slugs_in_use",
    "span_of",
    "status",
    "successor_of",
    "totals",
    "totals_over_time",
    "undo",
    "value_counts",
    "whole_rows",
    "with_sorted_value",
    "without_query",
    "worked",
]


def refresh() -> Freshness:
    """Ask HotWax what changed, if nobody else does and the last answer is old; then report.

    Waits at most 0.8 s for HotWax. Raises AnotherHotWax.
    """
    state, now = current_state(), timezone.now()
    done = refresh_for_page(state, now)
    if done.tried:
        return freshness()
    return freshness_of(state, now, done.not_kept, unchecked_orders(state, now))
