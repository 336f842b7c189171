"""How high a chart reaches: the usual bar fills it, an outlier is cut off at its top."""

from collections.abc import Sequence
from dataclasses import dataclass

#: With fewer numbers nothing is usual.
FEWEST = 8
#: Of so many numbers one may be an outlier: one that is over twice as large as the rest.
ONE_IN = 12
MOST_STEPS = 4


@dataclass(frozen=True)
class Scale:
    """A scale from 0 to ``top``, with a line at each multiple of ``step``."""

    top: int
    step: int

    @property
    def marks(self) -> list[int]:
        """Return the values that have a line, the largest first."""
        return list(range(self.top, -1, -self.step))


def scale_of(numbers: Sequence[int]) -> Scale:
    """Return a scale of at most MOST_STEPS steps: 1, 2 or 5 times a power of ten, or 25."""
    step = _step(usual_top(numbers))
    return Scale(max(step, -(-usual_top(numbers) // step) * step), step)


def usual_top(numbers: Sequence[int]) -> int:
    """Return the largest of these numbers that is no outlier; 0 without numbers."""
    ranked = sorted(numbers, reverse=True)
    if len(ranked) < FEWEST:
        return ranked[0] if ranked else 0
    limit = 2 * ranked[-(-len(ranked) // ONE_IN)]
    # Where most spans hold nothing, nothing is usual either.
    return next((n for n in ranked if n <= limit), 0) if limit else ranked[0]


def _step(largest: int) -> int:
    power = 1
    while True:
        for factor in (1, 2, 5) if power == 1 else (1, 2, 2.5, 5):
            if factor * power * MOST_STEPS >= largest:
                return int(factor * power)
        power *= 10
