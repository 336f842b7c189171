"""Names that the ledger does not know are asked in HotWax at once.

At most 100 names a request, 2 seconds for a page, 20 requests a minute and each name once per 15
seconds over all processes. A look-up carries a control: a name just seen in that core. If the
control does not come back, the answer is "cannot be asked", never "not there".
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from time import sleep

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from reconciler.hotwax import requests
from reconciler.hotwax.client import Client, Endpoint
from reconciler.hotwax.documents import FailureDocument
from reconciler.hotwax.exceptions import HotWaxError, Unreachable
from reconciler.hotwax.links import is_shopify_id
from reconciler.hotwax.replies import Reply
from reconciler.ledger.database import UNAVAILABLE, brief_wait
from reconciler.ledger.models import Attempt, FailedOrder, LookedUpName, SyncState
from reconciler.ledger.queries import failed_orders
from reconciler.ledger.sort_keys import name_keys
from reconciler.ledger.sync import lease
from reconciler.ledger.sync.budgets import LOOK_UPS
from reconciler.ledger.sync.schedule import current_state, is_backing_off, older
from reconciler.ledger.sync.source import configured_source
from reconciler.ledger.sync.syncer import Syncer

AGAIN_AFTER = timedelta(seconds=15)
PAGE_SECONDS = 2.0
#: How often a look-up tries to take the lease, a fifth of a second apart.
TRIES_TO_KEEP = 5
NAMES_A_REQUEST = 99  # and the control
#: Prefixes known from the ledger that a bare number may stand behind.
MOST_PREFIXES = 5

#: What may join letters and digits of a name, and how far names are searched for similar ones.
JOINTS = ("", "#", "-", "_", " ", ".", "/")
MOST_PARTS, MOST_SEARCHED, MOST_SIMILAR = 8, 200, 5
#: What is common before numbers is read from so many of the latest names.
MOST_LATEST = 500
_LETTERS_AND_NUMBER = re.compile(r"[^\W\d_]{1,12}[-_ ]?(?=\d+\Z)")
_PARTS = re.compile(r"[^\W\d_]+|\d+")

FORMS = (requests.named, requests.named_as_phrases)
Answer = LookedUpName.Answer


@dataclass(frozen=True)
class NameAnswer:
    """What is known of an order name that somebody asked for."""

    name: str
    #: ``found`` in the ledger, ``similar`` (names there that are the same in letters and digits),
    #: or what HotWax's log said: ``in_log`` (and kept now), ``unknown``, ``cannot_ask`` (HotWax
    #: gave no answer that can be trusted).
    answer: str
    #: Name and primary key of the orders found, or of similar ones.
    orders: tuple[tuple[str, int], ...] = ()

    @property
    def is_shopify_id(self) -> bool:
        """Return True if it may be an order's number in Shopify."""
        return is_shopify_id(self.name)


def answers_by_name(names: list[str]) -> list[NameAnswer]:
    """Return for each name, in the order asked, what is known of it.

    Of what the ledger does not know HotWax's log is asked at once.
    """
    if not names:
        return []
    known = _known_orders(names)
    unknown = [name for name in names if not known[name]]
    live = look_up_now(unknown) if unknown else {}
    kept = [name for name, answer in live.items() if answer == Answer.IN_LOG]
    known |= _known_orders(kept)
    return [_answer(name, live.get(name, "found"), known[name]) for name in names]


def _known_orders(names: list[str]) -> dict[str, tuple[tuple[str, int], ...]]:
    """Return name and primary key of the orders that each of these names or numbers means."""
    if not names:
        return {}
    by_key: dict[str, list[tuple[str, int]]] = defaultdict(list)
    by_tail: dict[str, list[tuple[str, int]]] = defaultdict(list)
    by_number: dict[str, list[tuple[str, int]]] = defaultdict(list)
    rows = failed_orders().named(names).order_by("pk")
    columns = ("pk", "order_name", "name_key", "name_tail", "shopify_id")
    for pk, name, key, tail, number in rows.values_list(*columns):
        by_key[key].append((name, pk))
        if tail != key:
            by_tail[tail].append((name, pk))
        if number not in (None, key, tail):
            by_number[number].append((name, pk))
    found = {}
    for name in names:
        key, _ = name_keys(name)
        numbered = by_number[name] if is_shopify_id(name) else ()
        found[name] = (*by_key[key], *(by_tail[key] if "#" not in key else ()), *numbered)
    return found


def _answer(name: str, answer: str, orders: tuple[tuple[str, int], ...]) -> NameAnswer:
    if answer not in (Answer.UNKNOWN, Answer.CANNOT_ASK):
        return NameAnswer(name, answer, orders)
    similar = _similar_orders(name)
    return NameAnswer(name, "similar" if similar else answer, similar)


def _similar_orders(name: str) -> tuple[tuple[str, int], ...]:
    """Return orders whose names are the same in letters and digits; at most MOST_SIMILAR.

    Letters and digits may be joined by one of JOINTS, or what follows the last "#" be the end.
    Of a bare number also those with letters before it: people leave out `HH` of `#HH88119`.
    """
    wanted = _letters_and_digits(name)
    if wanted.isdecimal():
        return _behind_letters(wanted)
    parts = _PARTS.findall(wanted)[:MOST_PARTS]
    spelled = {joint.join(parts[n:]) for joint in JOINTS for n in range(len(parts))}
    rows = failed_orders().filter(Q(name_key__in=spelled) | Q(name_tail__in=spelled))
    found = rows.order_by("-pk").values_list("order_name", "pk")[:MOST_SEARCHED]
    same = [(other, pk) for other, pk in found if _letters_and_digits(other) == wanted]
    return tuple(same[:MOST_SIMILAR]) if wanted else ()


def _behind_letters(number: str) -> tuple[tuple[str, int], ...]:
    """Return orders named by this number with letters before it, as known names have them."""
    tails = failed_orders().order_by("-pk").values_list("name_tail", flat=True)[:MOST_LATEST]
    letters = Counter(found[0] for tail in tails if (found := _LETTERS_AND_NUMBER.match(tail)))
    spelled = [f"{before}{number}" for before, _ in letters.most_common(MOST_PREFIXES)]
    rows = failed_orders().filter(name_tail__in=spelled).order_by("-pk")
    return tuple(rows.values_list("order_name", "pk")[:MOST_SIMILAR])


def _letters_and_digits(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


def look_up_now(
    names: list[str], client_of: Callable[[Endpoint], Client] = Client
) -> dict[str, str]:
    """Ask HotWax for names, keep what it has, and return a LookedUpName.Answer for each."""
    keys = {name: name_keys(name)[0] for name in names}
    answers: dict[str, str] = {}
    with suppress(*UNAVAILABLE), brief_wait():  # what was answered stays answered
        claimed, due = _claim(set(keys.values()))
        answers |= claimed
        wanted = [name for name in names if keys[name] in due]
        answers |= {keys[name]: answer for name, answer in _ask(wanted, client_of).items()}
        for answer in {answers[key] for key in due}:
            mine = [key for key in due if answers[key] == answer]
            LookedUpName.objects.filter(name_key__in=mine).update(answer=answer)
    return {name: answers.get(key, Answer.CANNOT_ASK) for name, key in keys.items()}


def _claim(keys: set[str]) -> tuple[dict[str, str], set[str]]:
    """Return the answers younger than AGAIN_AFTER, and the keys that we are to ask for.

    Until we have an answer, or if we die before, others are told that they cannot be asked.
    """
    now = timezone.now()
    with transaction.atomic():
        rows = LookedUpName.objects.select_for_update().filter(name_key__in=keys)
        fresh = {
            row.name_key: row.answer for row in rows if not older(row.asked_at, AGAIN_AFTER, now)
        }
        due = keys - set(fresh)
        LookedUpName.objects.filter(asked_at__lt=now - timedelta(days=1)).delete()
        LookedUpName.objects.bulk_create(
            [LookedUpName(name_key=key, asked_at=now, answer=Answer.CANNOT_ASK) for key in due],
            update_conflicts=True,
            unique_fields=["name_key"],
            update_fields=["asked_at", "answer"],
        )
    return fresh, due


def _ask(names: list[str], client_of: Callable[[Endpoint], Client]) -> dict[str, str]:
    answers: dict[str, str] = dict.fromkeys(names, Answer.CANNOT_ASK)
    control = _control() if names else ""
    if not control or is_backing_off(current_state(), timezone.now()):
        return answers
    owner, prefixes = lease.new_owner("look-up"), _prefixes()
    try:
        with client_of(configured_source().endpoint) as client:
            syncer = _Asker(client, owner, timeout=PAGE_SECONDS)
            for chunk in _chunks(names, prefixes):
                candidates = [c for name in chunk for c in _candidates(name, prefixes)]
                reply = syncer.find(FORMS, candidates, control)
                if reply is None:
                    break
                there = _names_in(reply, syncer, chunk)
                answers |= {name: Answer.UNKNOWN for name in chunk if name not in there}
                if there and _kept(reply, syncer):
                    answers |= dict.fromkeys(there, Answer.IN_LOG)
    except (HotWaxError, lease.LeaseLost):
        return answers  # what was answered stays answered
    finally:
        lease.give_back_if_possible(owner)
    return answers


class _Asker(Syncer):
    """A syncer whose requests are counted against the budget of look-ups."""

    def ask(self, state: SyncState, payload: requests.Payload) -> Reply:
        """Ask HotWax. Raises HotWaxError, also if the budget of this minute is spent."""
        if not LOOK_UPS.spend(timezone.now()):
            raise Unreachable("Too many names were looked up in the last minute.")
        return super().ask(state, payload)


def _names_in(reply: Reply, syncer: Syncer, names: list[str]) -> set[str]:
    """Return those of the names that a reply has a document of."""
    failures = [d for d in syncer.read(reply) if isinstance(d, FailureDocument)]
    found = [name_keys(failure.order_name) for failure in failures]
    return {name for name in names if any(_means(name, full, tail) for full, tail in found)}


def _kept(reply: Reply, syncer: Syncer) -> bool:
    """Keep a reply's documents; return False if another syncer holds the lease too long."""
    for _ in range(TRIES_TO_KEEP):
        if lease.take(syncer.owner, lease.PAGE_LEASE):
            syncer.store(reply, syncer.read(reply), {})
            return True
        sleep(0.2)
    return False


def _control() -> str:
    """Return a name that HotWax's log held when it was last read."""
    here = Attempt.objects.filter(left_log_at=None).exclude(order__order_name="")
    recent = here.select_related("order").only("order__order_name").order_by("-seen_last_at", "-pk")
    row = recent.first()
    return row.order.order_name if row else ""


def _prefixes() -> list[str]:
    """Return what stands before the last "#" of known names, the most frequent first."""
    names = FailedOrder.objects.filter(order_name__contains="#").order_by("-pk")
    counts: dict[str, int] = {}
    for name in names.values_list("order_name", flat=True)[:500]:
        prefix = name.rpartition("#")[0]
        counts[prefix] = counts.get(prefix, 0) + 1
    return sorted(counts, key=lambda p: -counts[p])[:MOST_PREFIXES]


def _candidates(name: str, prefixes: list[str]) -> list[str]:
    """Return the spellings under which HotWax may have a name; it compares them exactly."""
    bare = name.strip().removeprefix("#")
    spelled = [name, bare, f"#{bare}", name.upper()]
    if "#" not in bare:
        spelled += [f"{prefix}#{bare}" for prefix in prefixes]
    return list(dict.fromkeys(spelled))


def _chunks(names: list[str], prefixes: list[str]) -> Iterator[list[str]]:
    size = max(1, NAMES_A_REQUEST // (4 + len(prefixes)))
    for i in range(0, len(names), size):
        yield names[i : i + size]


def _means(asked: str, full: str, tail: str) -> bool:
    key, _ = name_keys(asked)
    return key == full or ("#" not in key and key == tail)
