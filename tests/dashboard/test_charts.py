"""What charts draw: their scale, what is cut off or drawn together, the colours of hours."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.charts.heat_map import steps_of
from dashboard.charts.scale import MOST_STEPS, scale_of
from tests.clock import NOW
from tests.dashboard.conftest import Open, Page
from tests.makers import document

Keep = Callable[..., None]
COUNTS = st.lists(st.integers(0, 3_000_000), max_size=80)


@pytest.mark.parametrize(
    ("numbers", "top", "step"),
    [
        ([], 1, 1),
        ([0, 0], 1, 1),
        ([1], 1, 1),
        ([4], 4, 1),
        ([5], 6, 2),
        ([97], 100, 25),
        ([101], 150, 50),
        ([545], 600, 200),
        ([900, 3], 1000, 250),
        # Seven numbers: nothing is usual.
        ([900, *[3] * 6], 1000, 250),
        # One of a dozen is an outlier if it is over twice as large as the rest.
        ([900, *[40] * 11], 40, 10),
        ([80, *[40] * 11], 80, 20),
        ([81, *[40] * 11], 40, 10),
        # A second one of a dozen is usual.
        ([900, 800, *[40] * 10], 1000, 250),
        ([900, 800, *[40] * 11], 40, 10),
        ([7, *[0] * 20], 8, 2),
    ],
)
def test_the_usual_bar_fills_the_scale(numbers: list[int], top: int, step: int) -> None:
    scale = scale_of(numbers)
    assert (scale.top, scale.step) == (top, step)
    assert scale.marks == list(range(top, -1, -step))


@given(COUNTS)
def test_a_scale_has_few_round_steps_and_cuts_off_few_bars(numbers: list[int]) -> None:
    scale = scale_of(numbers)
    assert scale.top % scale.step == 0
    assert scale.top // scale.step <= MOST_STEPS
    assert str(scale.step).rstrip("0") in ("1", "2", "25", "5")
    cut = [n for n in numbers if n > scale.top]
    assert len(cut) <= -(-len(numbers) // 12)
    assert not cut or min(cut) > 2 * max([n for n in numbers if n <= scale.top])


@given(st.lists(st.integers(1, 5000), max_size=168))
def test_each_colour_holds_a_fifth_of_the_hours(counts: list[int]) -> None:
    bounds = steps_of(counts)
    assert bounds == sorted(set(bounds))
    assert (bounds[-1:] == [max(counts)]) if counts else bounds == []
    if len(set(counts)) == len(counts) and len(counts) >= 5:
        held = [sum(low < n <= high for n in counts) for low, high in pairwise([0, *bounds])]
        assert len(held) == 5
        assert max(held) - min(held) <= 1


def titles(page: Page) -> list[str]:
    return [a.one("title").text for a in page.root.all("a") if a.get("tabindex") == "-1"]


def test_an_outlier_is_cut_off_and_its_number_written(keep: Keep, open_page: Open) -> None:
    moments = [NOW - timedelta(days=n) for n in range(20)]
    moments += [NOW - timedelta(days=4)] * 30
    keep(
        *(
            document(f"#{n}", logged=at, created=at, document_id=f"d{n}")
            for n, at in enumerate(moments)
        )
    )
    page = open_page("/trends/?period=30d")
    (words,) = [svg for svg in page.root.all("svg") if svg.get("class") == "plot__words"]
    assert [text.text for text in words.all("text")] == ["31"]
    heights = [
        float(rect.get("height"))
        for rect in page.root.all("rect")
        if "bar " in str(rect.get("class"))
    ]
    assert max(heights) == 100
    assert any(title.endswith(": 31") for title in titles(page))


def test_the_five_largest_are_drawn_and_all_are_told(keep: Keep, open_page: Open) -> None:
    errors = {
        "Product not exist": 8,
        "Transaction is empty": 7,
        "Connection timeout": 6,
        "Exceeded 4 calls per second for api client": 5,
        "Odd thing": 4,
        "Problem occurred in tax service": 3,
        "Deadlock found when trying to get lock; try restarting transaction": 2,
    }
    keep(
        *(
            document(f"#{m}-{n}", error=error, document_id=f"d{m}-{n}")
            for m, (error, many) in enumerate(errors.items())
            for n in range(many)
        )
    )
    page = open_page("/trends/?period=7d")
    legend = page.root.one("ul", aria_label="Legend")
    assert [item.text for item in legend.all("li")][:6][-1] == "Other"
    heads = page.root.one("table", data_chart="failed-per-day").all("th", data_series=...)  # type: ignore[arg-type]
    assert len(heads) == 7
    heights = [
        float(rect.get("height"))
        for rect in page.root.all("rect")
        if str(rect.get("class")).startswith("bar ")
    ]
    # The largest is drawn first, at the base; the two smallest are one.
    assert heights == sorted(heights[:5], reverse=True) + heights[5:]
    assert len(heights) == 6
    assert sum(heights) == pytest.approx(100 * 35 / scale_of([35]).top, rel=0.01)


def test_the_legend_of_the_hours_tells_what_each_colour_holds(keep: Keep, open_page: Open) -> None:
    # One order in one hour of a week, two in another, and so on.
    base = NOW.replace(minute=30) - timedelta(days=6)
    moments = [base + timedelta(hours=h) for h in range(7) for _ in range(h + 1)]
    keep(
        *(
            document(f"#{n}", logged=at, created=at, document_id=f"d{n}")
            for n, at in enumerate(moments)
        )
    )
    page = open_page("/trends/?period=30d")
    legend = page.root.one("ul", aria_label="Steps")
    held: dict[str, list[int]] = {}
    for mark in page.root.one("figure", aria_labelledby="h-heat").all("rect"):
        count = int(mark.parent.one("title").text.rpartition(": ")[2])  # type: ignore[union-attr]
        held.setdefault(str(mark.get("class")), []).append(count)
    for item in legend.all("li"):
        counts = held[str(item.one("rect").get("class"))]
        words = f"{min(counts)}–{max(counts)}" if min(counts) < max(counts) else str(min(counts))
        assert item.text == words
    assert len(legend.all("li")) == len(held) == 6
