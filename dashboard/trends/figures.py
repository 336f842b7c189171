"""The six figures of /trends/, each against the period before where that can be compared."""

from dataclasses import dataclass, replace
from datetime import timedelta

from dashboard.trends.outcomes import Became
from dashboard.trends.rows import Row
from dashboard.wording import number, span
from reconciler.service import Outcomes


@dataclass(frozen=True)
class Figure:
    """A figure as it is shown: its raw value, the number written out and its unit."""

    name: str
    label: str
    value: str | int
    shown: str
    unit: str = ""
    url: str = ""
    #: Against the period before, in the unit ``suffix``; None where nothing is compared.
    change: int | None = None
    suffix: str = ""
    before: str = ""
    #: The orders of this period had less time than those before: a change is neither good nor bad.
    is_neutral: bool = False
    #: Words in the place of a change.
    under: str = ""


def figures_of(noun: str, total: Row, became: Became | None, lags: list[Row]) -> list[Figure]:
    """Return the figures; of attempts, which do not arrive, the time to the first attempt.

    ``noun`` is what is counted, ``lags`` are median and nine in ten of that time.
    """
    relative = total.per_cent is not None
    failed = Figure(
        "failed",
        f"Failed {noun}",
        total.now,
        number(total.now),
        url=total.url,
        change=total.per_cent if relative else total.change,
        suffix="%" if relative else "",
        before="" if total.before is None else number(total.before),
    )
    if became is None:
        return [failed, *(time_figure(row.key, row.label, row.now, row.before) for row in lags)]
    return [failed, _missing(became), *_arrival(became.outcomes, became.before), *_again(became)]


def _missing(became: Became) -> Figure:
    n = became.outcomes.verdicts["missing"]
    under = f"of {number(became.outcomes.asked)} asked about"
    return Figure("missing", "Missing now", n, number(n), url=became.missing_url, under=under)


def _arrival(now: Outcomes, before: Outcomes | None) -> list[Figure]:
    """Return how many arrived after all, and how long that took, as far as it was asked."""
    if not now.asked:
        return []
    share, earlier = _share(now), _share(before) if before and before.asked else None
    change = None if earlier is None else share - earlier
    figures = [
        Figure(
            "arrived",
            "Arrived after failing",
            share,
            str(share),
            "%",
            change=change,
            suffix=" point" if change in (1, -1) else " points",
            before=f"{earlier} %",
            is_neutral=True,
            under=f"{number(now.arrived)} of {number(now.asked)} asked about",
        )
    ]
    for name, words in (("p50", "median"), ("p90", "9 in 10")):
        minutes = getattr(now, name)
        if minutes is not None:
            label = f"Failure to arrival, {words}"
            figure = time_figure(f"arrival-{name}", label, minutes, getattr(before, name, None))
            figures.append(replace(figure, is_neutral=True))
    return figures


def _share(outcomes: Outcomes) -> int:
    """Return how many of a hundred orders asked about are in the OMS."""
    return round(100 * outcomes.arrived / outcomes.asked)


def _again(became: Became) -> list[Figure]:
    once, again = became.outcomes.was_resolved, became.outcomes.was_reopened
    if not once:
        return []
    shown = f"{100 * again / once:.1f}"
    under = f"{number(again)} of {number(once)} resolved"
    return [Figure("reopened", "Reopened", shown, shown, "%", under=under)]


def time_figure(name: str, label: str, minutes: int, before: int | None) -> Figure:
    """Return a figure of whole minutes, in its largest unit.

    Where both are in one unit their change is the difference of what is read.
    """
    shown, unit = span(timedelta(minutes=minutes)).split()
    if before is None:
        return Figure(name, label, minutes, shown, unit)
    earlier, unit_before = span(timedelta(minutes=before)).split()
    change, suffix = _whole(shown) - _whole(earlier), f" {unit}"
    if unit != unit_before:
        length, unit_of_change = span(timedelta(minutes=abs(minutes - before))).split()
        change = _whole(length) if minutes > before else -_whole(length)
        suffix = f" {unit_of_change}"
    return Figure(
        name,
        label,
        minutes,
        shown,
        unit,
        change=change,
        suffix=suffix,
        before=f"{earlier} {unit_before}",
    )


def _whole(written: str) -> int:
    return int(written.replace(",", ""))
