"""What can be asked of the orders: names, sorts, views, dates."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from reconciler.hotwax.documents import Reading, read_document
from reconciler.ledger.figures.paging import neighbours
from reconciler.ledger.intake import upsert
from reconciler.ledger.models import ErrorSignature, FailedOrder, Shop
from reconciler.ledger.queries import DATES, SORTS, failed_orders
from reconciler.ledger.sort_keys import natural_sort_key, sort_key
from tests.makers import document

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)

NULLABLE = {field.name for field in FailedOrder._meta.get_fields() if field.null}


def keep(*raws: dict[str, object]) -> None:
    upsert([read_document(r, "SHOPIFY_ORDER", Reading()) for r in raws], NOW)  # type: ignore[misc]


NAMES = [
    # asked, kept, found
    ("5129", "HCDEV#5129", True),
    ("#5129", "HCDEV#5129", True),
    ("HCDEV#5129", "HCDEV#5129", True),
    ("hcdev#5129", "HCDEV#5129", True),
    ("OTHER#5129", "HCDEV#5129", False),
    ("5129", "#5129", True),
    ("#5129", "5129", True),
    ("512", "#5129", False),
    ("5129", "#5129-1", False),
    ("EXC-#1001", "EXC-#1001-1", False),
    ("1001", "EXC-#1001-1", False),
    ("STRASSE#1", "straße#1", True),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("asked", "kept", "found"), NAMES)
def test_a_name_is_found_as_people_type_it(asked: str, kept: str, found: bool) -> None:
    keep(document(kept), document("#other"))
    names = list(failed_orders().named([asked]).values_list("order_name", flat=True))
    assert names == ([kept] if found else [])


@pytest.mark.parametrize(
    ("smaller", "larger"),
    [
        ("#999", "#1001"),
        ("#9", "#10"),
        ("A#2", "A#11"),
        ("A#2", "B#1"),
        ("#1", "#1-1"),
        ("#" + "9" * 30, "#1" + "0" * 30),
        ("#007", "#8"),
    ],
)
def test_names_sort_naturally(smaller: str, larger: str) -> None:
    assert natural_sort_key(smaller) < natural_sort_key(larger)


@given(st.text(max_size=60), st.text(max_size=60))
def test_sort_keys_sort_as_code_points_do(one: str, other: str) -> None:
    one, other = (t.replace("\x00", "\ufffd") for t in (one, other))
    assert (sort_key(one) < sort_key(other)) == (one < other)


@pytest.mark.django_db
@pytest.mark.parametrize("sort", [s for name in SORTS for s in (name, f"-{name}")])
def test_nulls_are_last_in_both_directions_and_ties_go_by_id(sort: str) -> None:
    keep(
        document("#2", document_id="a", logged=NOW - timedelta(hours=2)),
        document("#10", document_id="b", logged=NOW - timedelta(hours=2)),
        document(
            "",
            document_id="c",
            timestamp=None,
            orderCreatedDate=None,
            firstAttemptedImport=None,
            expire_at=None,
        ),
        document(
            "",
            document_id="d",
            timestamp=None,
            orderCreatedDate=None,
            firstAttemptedImport=None,
            expire_at=None,
        ),
    )
    column = SORTS[sort.removeprefix("-")]
    rows = list(failed_orders().sorted_by(sort).values_list(column, "pk"))
    values = [value for value, _ in rows if value is not None]
    assert [value is None for value, _ in rows] == sorted(value is None for value, _ in rows)
    assert values == sorted(values, reverse=sort.startswith("-"))
    for (value, pk), (after, next_pk) in pairwise(rows):
        if value == after:
            assert (pk > next_pk) == sort.startswith("-")


@pytest.mark.django_db
def test_views_hold_what_their_names_say() -> None:
    soon = NOW - timedelta(days=55)
    keep(
        document("#new", logged=NOW - timedelta(hours=2)),
        document("#soon", logged=soon),
        document("#gone", logged=NOW - timedelta(days=61)),
        document("#again", logged=NOW - timedelta(hours=3)),
        document("#again", logged=NOW - timedelta(hours=1)),
        document("#tired", logged=NOW - timedelta(hours=50)),
        document("#tired", logged=NOW - timedelta(hours=25)),
    )
    FailedOrder.objects.filter(order_name="#new").update(state="resolved")

    def view(name: str) -> set[str]:
        return set(failed_orders().in_view(name, NOW).values_list("order_name", flat=True))

    assert view("all") == {"#new", "#soon", "#gone", "#again", "#tired"}
    assert view("open") == {"#soon", "#gone", "#again", "#tired"}
    assert view("expiring") == {"#soon"}
    assert view("failing") == {"#again"}
    FailedOrder.objects.filter(order_name="#soon").update(left_log_at=NOW)
    assert view("expiring") == set()


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["TIMEOUT", "äpfel", "ÄPFEL", "100%", "a_b", "#10", "\\"])
def test_text_is_found_anywhere_whatever_its_case(text: str) -> None:
    keep(document("#10", error="Connection timeout Äpfel 100% a_b \\ end"), document("#x"))
    assert [o.order_name for o in failed_orders().mentioning(text)][:1] == ["#10"]


@pytest.mark.django_db
def test_wildcards_are_only_characters() -> None:
    keep(document("#1", error="aXb"))
    assert not failed_orders().mentioning("a_b").exists()
    assert not failed_orders().mentioning("a%b").exists()


#: Of five orders, in the order of their ids: each column sorts them in another way.
RANKS = {
    "name_sort_key": (0, 1, 2, 4, 3),
    "attempt_count": (4, 3, 2, 1, 0),
    "order_created_at": (1, 0, 2, 3, 4),
    "first_at": (2, 0, 1, 4, 3),
    "first_attempted_at": (3, 0, 1, 2, 4),
    "first_failed_at": (4, 0, 1, 2, 3),
    "last_failed_at": (0, 4, 1, 3, 2),
    "expires_at": (3, 4, 0, 1, 2),
    "left_log_at": (2, 1, 0, 4, 3),
    "state": (1, 4, 2, 0, 3),
    "shop": (0, 3, 4, 1, 2),
    "signature": (2, 4, 3, 1, 0),
    "verdict": (3, 1, 4, 0, 2),
    "assignee": (3, 1, 4, 2, 0),
    "state_at": (3, 1, 0, 4, 2),
    "verdict_at": (3, 1, 0, 2, 4),
}
SORTED_BY = {
    "order": "name_sort_key",
    "shop": "shop",
    "error": "signature",
    "attempts": "attempt_count",
    "created": "order_created_at",
    "first": "first_at",
    "failed": "last_failed_at",
    "expires": "expires_at",
    "state": "state",
    "verdict": "verdict",
    "assignee": "assignee",
}
DATED_BY = {
    "failed": "last_failed_at",
    "first": "first_at",
    "created": "order_created_at",
    "expires": "expires_at",
}
STATES = ("ignored", "in_progress", "open", "resolved", "waiting")
VERDICTS = ("duplicate", "imported", "missing", "unchecked", "unconfirmed")


@pytest.fixture
def five_orders(db: None) -> list[int]:
    """Orders whose columns all differ in how they sort; their primary keys."""
    shops = [
        Shop.objects.create(key=f"k{n}", name=f"s{n}", sort_key=sort_key(f"s{n}")) for n in range(5)
    ]
    signatures = [
        ErrorSignature.objects.create(
            slug=f"{n:012d}", template=f"e{n}", sort_key=sort_key(f"e{n}"), rules_version=1
        )
        for n in range(5)
    ]
    orders = []
    for i in range(5):
        rank = {column: ranks[i] for column, ranks in RANKS.items()}
        dates = {c: NOW + timedelta(days=n) for c, n in rank.items() if c.endswith("_at")}
        order = FailedOrder.objects.create(
            order_key=f"#{i}",
            order_name=f"#{i}",
            name_key=str(i),
            name_tail=str(i),
            name_sort_key=natural_sort_key(f"#{rank['name_sort_key']}"),
            attempt_count=rank["attempt_count"],
            state=STATES[rank["state"]],
            verdict=VERDICTS[rank["verdict"]],
            assignee=f"ann{rank['assignee']}",
            shop=shops[rank["shop"]],
            signature=signatures[rank["signature"]],
            latest_document_key=f"d{i}",
            search_text="",
            **dates,
        )
        orders.append(order.pk)
    return orders


def test_each_column_sorts_in_another_way() -> None:
    orders = {tuple(ranks) for ranks in RANKS.values()}
    assert len(orders | {tuple(4 - n for n in ranks) for ranks in orders}) >= 2 * len(RANKS) - 1
    assert SORTED_BY.keys() == SORTS.keys()
    assert DATED_BY.keys() == DATES.keys()


@pytest.mark.parametrize(("sort", "column"), SORTED_BY.items())
def test_a_sort_is_by_its_own_column(sort: str, column: str, five_orders: list[int]) -> None:
    expected = [pk for _, pk in sorted(zip(RANKS[column], five_orders, strict=True))]
    assert list(failed_orders().sorted_by(sort).values_list("pk", flat=True)) == expected
    assert (
        list(failed_orders().sorted_by(f"-{sort}").values_list("pk", flat=True)) == expected[::-1]
    )


@pytest.mark.parametrize(("which", "column"), DATED_BY.items())
def test_a_date_is_its_own_column(which: str, column: str, five_orders: list[int]) -> None:
    for day in range(5):
        start = NOW + timedelta(days=day)
        found = failed_orders().dated(which, start, start + timedelta(days=1))
        assert [order.pk for order in found] == [five_orders[RANKS[column].index(day)]]
        # From the first moment on, and before the last.
        assert failed_orders().dated(which, start, None).count() == 5 - day
        assert failed_orders().dated(which, None, start).count() == day
        local = timezone.localtime(start)
        weekday, hour = local.isoweekday(), local.hour
        assert [o.pk for o in failed_orders().in_hour(which, weekday, hour)] == [found[0].pk]


@pytest.mark.django_db
@pytest.mark.parametrize("sort", [s for name in SORTS for s in (name, f"-{name}")])
def test_the_neighbours_of_every_row_are_those_of_the_list_nulls_too(sort: str) -> None:
    for n in range(6):
        dates = {} if n % 2 else {"orderCreatedDate": "", "firstAttemptedImport": ""}
        keep({**document(f"#{n}", document_id=f"d{n}", logged=NOW - timedelta(hours=n)), **dates})
    FailedOrder.objects.filter(order_name__in=("#1", "#2", "#4")).update(
        **dict.fromkeys(set(SORTS.values()) & NULLABLE)
    )
    listed = [row.pk for row in failed_orders().sorted_by(sort)]
    for place, pk in enumerate(listed):
        found = neighbours(failed_orders(), FailedOrder.objects.get(pk=pk), sort, 0)
        assert (found.place, found.total) == (place + 1, len(listed))
        assert [row.pk for row in (found.previous, found.next) if row] == [
            *listed[max(place - 1, 0) : place],
            *listed[place + 1 : place + 2],
        ]


def test_owners_sort_alike_on_every_database_and_nobody_comes_last(five_orders: list[int]) -> None:
    names = ("bob", "Zoe", "_x", None, "ann")
    for pk, name in zip(five_orders, names, strict=True):
        FailedOrder.objects.filter(pk=pk).update(assignee=name)

    def owners(sort: str) -> list[str | None]:
        return list(failed_orders().sorted_by(sort).values_list("assignee", flat=True))

    assert owners("assignee") == ["Zoe", "_x", "ann", "bob", None]
    assert owners("-assignee") == ["bob", "ann", "_x", "Zoe", None]
