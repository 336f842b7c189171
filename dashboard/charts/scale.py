"""How high a chart reaches: the usual bar fills it, an outlier is cut off at its top."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

#: With fewer numbers nothing is usual.
FEWEST = 8
#: Of so many numbers one may be an outlier: over twice as large as the next that is none.
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
    """Return a scale that the usual numbers fill, in at most MOST_STEPS steps."""
    largest = usual_top(numbers)
    step = _step(largest)
    return Scale(max(step, -(-largest // step) * step), step)


def usual_top(numbers: Sequence[int]) -> int:
    """Return the largest of these numbers that is no outlier; 0 without numbers."""
    ranked = sorted(numbers, reverse=True)
    if len(ranked) < FEWEST:
        return ranked[0] if ranked else 0
    most = -(-len(ranked) // ONE_IN)
    # Where the next holds nothing, nothing is usual either.
    usual = (n for larger, n in list(pairwise(ranked))[:most][::-1] if larger > 2 * n > 0)
    return next(usual, ranked[0])


def _step(largest: int) -> int:
    """Return the length of a step: 1, 2, 5, 10, 20, 25, 50, 100, 200, 250 and so on."""
    power = 1
    while True:
        for factor in (1, 2, 5) if power == 1 else (1, 2, 2.5, 5):
            if factor * power * MOST_STEPS >= largest:
                return int(factor * power)
        power *= 10
