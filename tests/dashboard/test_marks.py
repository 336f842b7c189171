"""Cells of tables: the change against the period before, and bars."""

import pytest

from dashboard.marks import bar_cell, change_cell
from dashboard.trends.rows import Row


@pytest.mark.parametrize(
    ("now", "before", "words", "direction"),
    [
        (3, None, "–", "num"),
        (3, 0, "New", "num is-worse"),
        (3, 2, "+50%", "num is-worse"),
        (20, 2, "× 10", "num is-worse"),
        (1, 2, "−50%", "num is-better"),
        (2, 2, "0%", "num"),
        (0, 0, "0%", "num"),
    ],
)
def test_a_change_is_worse_or_better_or_new(
    now: int, before: int | None, words: str, direction: str
) -> None:
    drawn = change_cell(Row("key", "label", now, before, ""))
    assert f'class="{direction}" data-before="{"" if before is None else before}"' in drawn
    assert f">{words}<" in drawn


def test_a_bar_is_as_wide_as_its_per_cent() -> None:
    assert 'class="hue-1" x="0" y="0" width="33.33"' in bar_cell(100 / 3, "hue-1")
    assert 'width="50"' in bar_cell("50", "age")
