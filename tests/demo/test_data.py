"""The demo's log: deterministic, believable, alive."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from reconciler.demo.data import History, messages

START = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)


def test_the_same_seed_start_and_clock_give_the_same_documents() -> None:
    later = START + timedelta(hours=1)
    one, other = History(START), History(START)
    other.documents(START)
    other.documents(START + timedelta(minutes=7))
    assert one.documents(later) == other.documents(later)
    assert History(START, seed=2).documents(START) != one.documents(START)


def test_there_are_three_thousand_orders_of_four_shops_over_sixty_days() -> None:
    documents = History(START).documents(START)
    orders = {(d["site"].split("/")[3], d.get("shopifyOrderName")) for d in documents}
    assert 2900 < len(orders) < 3100
    assert len({d["site"].split("/")[2] for d in documents}) == 4
    days = {d["timestamp"][:10] for d in documents}
    assert len(days) >= 60
    assert len({d["document-id"] for d in documents}) == len(documents)


def test_there_are_a_burst_a_long_tail_repeats_and_documents_about_to_expire() -> None:
    documents = History(START).documents(START)
    per_hour = Counter(d["timestamp"][:13] for d in documents)
    assert per_hour.most_common(1)[0][1] > 40
    names = Counter(d.get("shopifyOrderName") for d in documents)
    assert sum(count > 1 for count in names.values()) > 300
    soon = f"{START + timedelta(days=7):%Y-%m-%dT%H}"
    assert sum(d["expire_at"] < soon for d in documents) > 100
    per_text = Counter(d["errorMessage"] for d in documents)
    assert sum(count == 1 for count in per_text.values()) > 100
    assert len(messages()) == 38
    assert any("shopifyOrderName" not in d for d in documents)


def test_new_failures_arrive_and_old_ones_expire() -> None:
    history = History(START)
    before = {d["document-id"] for d in history.documents(START)}
    after = {d["document-id"] for d in history.documents(START + timedelta(hours=2))}
    assert len(after - before) > 100
    gone = before - after
    assert gone
    kept = {d["document-id"]: d for d in History(START).documents(START)}
    limit = f"{START + timedelta(hours=2):%Y-%m-%dT%H:%M:%S}"
    assert all(kept[key]["expire_at"] <= limit for key in gone)


def test_a_document_indexed_anew_keeps_its_id() -> None:
    history = History(START)
    before = {d["document-id"]: d["timestamp"] for d in history.documents(START)}
    after = {
        d["document-id"]: d["timestamp"] for d in history.documents(START + timedelta(hours=6))
    }
    assert [key for key in before if key in after and after[key] > before[key]]


def test_a_demo_left_running_for_days_has_days_like_those_before() -> None:
    per_day = Counter(
        d["timestamp"][:10] for d in History(START).documents(START + timedelta(days=5))
    )
    days = [f"{START + timedelta(days=away):%Y-%m-%d}" for away in range(-40, 5)]
    before = [per_day[day] for day in days[:40] if per_day[day] < 150]  # without the burst
    usual = sum(before) / len(before)
    assert all(usual / 2 < per_day[day] < usual * 2 for day in days[41:])
