"""Rows of the tables of /trends/: how many now, and in the period before."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from dashboard.trends.measures import Link
from dashboard.wording import signed
from reconciler import service

MOST_MOVERS = 8
#: Signature and shop (primary keys) -> how many.
Counts = dict[tuple[int, int], int]
#: How many now, and before; None if the periods are not compared.
Pair = tuple[int, int | None]


@dataclass(frozen=True)
class Row:
    """A value now and in the period before (None: not compared), with a bar up to 100."""

    key: str
    label: str
    now: int
    before: int | None
    url: str
    size: float = 0
    hue: str = ""
    #: What changed about an error: new, back or worse.
    mark: str = ""
    #: The bar reaches beyond the end of the scale.
    is_cut: bool = False

    @property
    def change(self) -> int | None:
        """Return the change in numbers."""
        return None if self.before is None else self.now - self.before

    @property
    def per_cent(self) -> int | None:
        """Return the change in per cent; None where there is nothing to divide by."""
        return round(100 * (self.now - self.before) / self.before) if self.before else None

    @property
    def change_words(self) -> str:
        """Return the change in per cent, or how many times as many where that is ten or more."""
        if self.before and self.now >= 10 * self.before:
            return f"× {round(self.now / self.before):,}"
        return f"{signed(self.per_cent)}%"


def sums_by(
    keys_of: Callable[[int, int], list[str]], now: Counts, before: Counts | None
) -> dict[str, Pair]:
    """Sum counts by key, now and before; ``before`` is None if the periods are not compared."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for place, counts in enumerate((now, before or {})):
        for (signature, shop), n in counts.items():
            for key in keys_of(signature, shop):
                sums[key][place] += n
    return {key: (n, None if before is None else b) for key, (n, b) in sums.items()}


def rows_of(
    pairs: Mapping[str, Pair], labels: Mapping[str, str], link: Link, was: Link, name: str
) -> list[Row]:
    """Turn sums into rows, most now first.

    What has orders now links to them; what has none any more, by ``was``, to those of before.
    """
    rows = [
        Row(key, labels.get(key, key), n, b, link(name, key) if n else was(name, key))
        for key, (n, b) in pairs.items()
    ]
    return sorted(rows, key=lambda row: (-row.now, row.label, row.key))


def category_rows(pairs: Mapping[str, Pair], link: Link, was: Link) -> list[Row]:
    """Return a row for each category, with its hue."""
    labels = {value: str(label) for value, label in service.Category.choices}
    rows = rows_of(pairs, labels, link, was, "category")
    largest = max([row.now for row in rows], default=0) or 1
    return [replace(row, size=round(100 * row.now / largest, 2), hue=row.key) for row in rows]


def movers(rows: list[Row]) -> list[Row]:
    """Keep what changed most, the largest rise first; bars go both ways from 50.

    The third largest change reaches the end: one outage does not flatten the rest.
    """
    moved = sorted((row for row in rows if row.change), key=lambda r: -abs(r.change or 0))
    kept = moved[:MOST_MOVERS]
    end = abs(kept[min(2, len(kept) - 1)].change or 1) if kept else 1
    kept.sort(key=lambda row: (-(row.change or 0), row.label))
    drawn = []
    for row in kept:
        part = abs(row.change or 0) / end
        drawn.append(replace(row, size=round(50 * min(1, part), 2), is_cut=part > 1))
    return drawn
