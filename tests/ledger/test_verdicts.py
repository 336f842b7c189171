"""Verdicts: rows of the rule, and the rule written down a second time."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.hotwax.oms_orders import OmsOrder
from reconciler.ledger.work.verdicts import Asked, judge, shopify_id_of
from tests.clock import NOW

MIN = timedelta(minutes=1)
CREATED = NOW - timedelta(hours=3)


def asked(pk: int = 1, name: str = "#1", created: datetime | None = CREATED, *stores: str) -> Asked:
    return Asked(pk, name, created, frozenset(stores))


def oms(
    number: int = 1,
    name: str = "#1",
    when: datetime | None = CREATED,
    store: str = "STORE_US",
    status: str = "Approved",
) -> OmsOrder:
    return OmsOrder(f"M{number}", name, status, when, store)


ROWS = {
    "nothing of that name": (asked(), [], "missing"),
    "another name": (asked(), [oms(name="#12")], "missing"),
    "an exchange order": (asked(), [oms(name="EXC-#1-1")], "missing"),
    "the name in other letters": (asked(name="#a1"), [oms(name="#A1")], "missing"),
    "the same moment": (asked(), [oms()], "imported"),
    "ten minutes later": (asked(), [oms(when=CREATED + 10 * MIN)], "imported"),
    "eleven minutes later": (asked(), [oms(when=CREATED + 11 * MIN)], "unconfirmed"),
    "ten minutes earlier": (asked(), [oms(when=CREATED - 10 * MIN)], "imported"),
    "eleven minutes earlier": (asked(), [oms(when=CREATED - 11 * MIN)], "missing"),
    "a name used again": (
        asked(),
        [oms(1, when=CREATED - timedelta(days=300)), oms(2)],
        "imported",
    ),
    "cancelled": (asked(), [oms(status="Cancelled")], "unconfirmed"),
    "one of two cancelled": (asked(), [oms(1), oms(2, status="CANCELLED")], "imported"),
    "two": (asked(), [oms(1), oms(2)], "duplicate"),
    "no date of the OMS": (asked(), [oms(when=None)], "unconfirmed"),
    "no date of the order": (asked(created=None), [oms()], "unconfirmed"),
    "no id": (asked(), [OmsOrder("", "#1", "Approved", CREATED, "STORE_US")], "unconfirmed"),
    "its own store, days later": (
        asked(1, "#1", CREATED, "STORE_US"),
        [oms(when=CREATED + timedelta(days=2))],
        "imported",
    ),
    "another store, the same minute": (
        asked(1, "#1", CREATED, "STORE_EU"),
        [oms()],
        "unconfirmed",
    ),
    "its own store, but older": (
        asked(1, "#1", CREATED, "STORE_US"),
        [oms(when=CREATED - timedelta(hours=1))],
        "missing",
    ),
    "its own store, no date": (
        asked(1, "#1", CREATED, "STORE_US"),
        [oms(when=None)],
        "unconfirmed",
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_one_order(row: str) -> None:
    order, found, verdict = ROWS[row]
    assert judge([order], found)[1].verdict == verdict


def test_the_orders_that_prove_a_verdict_come_with_it() -> None:
    cancelled, good, old = oms(1, status="Cancelled"), oms(2), oms(3, when=CREATED - 99 * MIN)
    assert judge([asked()], [cancelled, good, old])[1].oms_orders == (good,)
    assert judge([asked()], [cancelled, old])[1].oms_orders == (cancelled,)
    assert judge([asked()], [old])[1].oms_orders == ()


def test_an_oms_order_that_could_prove_two_proves_none() -> None:
    both = judge([asked(1), asked(2, "#1", CREATED + 5 * MIN)], [oms()])
    assert {pk: (one.verdict, one.is_contested) for pk, one in both.items()} == {
        1: ("unconfirmed", True),
        2: ("unconfirmed", True),
    }


def test_two_shops_with_one_name_are_told_apart_by_their_stores() -> None:
    orders = [asked(1, "#1", CREATED, "STORE_US"), asked(2, "#1", CREATED, "STORE_EU")]
    judged = judge(orders, [oms(1), oms(2, store="STORE_EU")])
    assert [judged[pk].verdict for pk in (1, 2)] == ["imported", "imported"]
    assert [judged[pk].oms_orders[0].order_id for pk in (1, 2)] == ["M1", "M2"]


MOMENTS = st.none() | st.integers(-30, 30).map(lambda n: CREATED + n * MIN)
ORDERS = st.builds(
    lambda name, created, stores: (name, created, frozenset(stores)),
    st.sampled_from(["#1", "#2"]),
    MOMENTS,
    st.sets(st.sampled_from(["US", "EU"]), max_size=1),
)
FOUND = st.builds(
    lambda name, when, store, status: (name, when, store, status),
    st.sampled_from(["#1", "#2", "EXC-#1-1"]),
    MOMENTS,
    st.sampled_from(["US", "EU", ""]),
    st.sampled_from(["Approved", "cancelled"]),
)


@given(st.lists(ORDERS, min_size=1, max_size=4), st.lists(FOUND, max_size=4))
def test_verdicts_are_those_of_the_rule(orders: list, found: list) -> None:
    ten = 10 * 60
    gap = {
        (i, j): None if o[1] is None or f[1] is None else (f[1] - o[1]).total_seconds()
        for i, o in enumerate(orders)
        for j, f in enumerate(found)
    }
    seen = {
        i: {
            j
            for j, f in enumerate(found)
            if f[0] == o[0] and not (gap[i, j] is not None and gap[i, j] < -ten)
        }
        for i, o in enumerate(orders)
    }
    could = {
        (i, j)
        for i, o in enumerate(orders)
        for j in seen[i]
        if found[j][3] != "cancelled"
        and gap[i, j] is not None
        and (found[j][2] in o[2] if o[2] else gap[i, j] <= ten)
    }
    expected = {}
    for i in range(len(orders)):
        mine = [j for k, j in could if k == i and sum(b == j for _, b in could) == 1]
        expected[i] = (
            "imported"
            if len(mine) == 1
            else "duplicate"
            if mine
            else "unconfirmed"
            if seen[i]
            else "missing"
        )
    judged = judge(
        [Asked(i, *order) for i, order in enumerate(orders)],
        [OmsOrder(f"M{j}", f[0], f[3], f[1], f[2]) for j, f in enumerate(found)],
    )
    assert {pk: one.verdict.value for pk, one in judged.items()} == expected


@pytest.mark.parametrize(
    ("verdict", "ids", "shown"),
    [
        ("imported", ["7"], "7"),
        ("duplicate", ["7", "7"], "7"),
        ("duplicate", ["7", "8"], ""),
        ("duplicate", ["7", ""], ""),
        ("unconfirmed", ["7"], ""),
        ("missing", [], ""),
    ],
)
def test_the_number_in_shopify_is_told_only_where_it_is_sure(
    verdict: str, ids: list[str], shown: str
) -> None:
    assert shopify_id_of(verdict, [{"shopify_id": one} for one in ids]) == shown
