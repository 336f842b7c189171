"""Form fields of the query string. Each reads one name, and says in words what it cannot read."""

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from dashboard.models import PastedList
from reconciler import service

#: Characters of a value: of any name, of `q`, of a pasted list of names.
LONGEST_VALUE, LONGEST_TEXT, LONGEST_LIST = 200, 500, 64 * 1024
MOST_NAMES = 1000
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Values:
    """Values of a repeatable name: those to keep and those to leave out."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.include or self.exclude)


class ValuesField(forms.Field):
    """Repeated values; `!value` excludes. ``choices`` are the values that exist, if it is set."""

    widget = forms.MultipleHiddenInput

    def __init__(self, choices: Mapping[str, str] | None = None) -> None:
        super().__init__(required=False)
        self.choices = choices

    def clean(self, value: Any) -> Values:
        """Return the values, those to keep apart from those to leave out."""
        values = [text.strip() for text in value or [] if text.strip()]
        for text in values:
            _refuse_nul(text)
            if self.choices and text.removeprefix("!") not in self.choices:
                raise ValidationError(f"One of {', '.join(self.choices)}.")
        include = tuple(text for text in values if not text.startswith("!"))
        return Values(include, tuple(text[1:] for text in values if text.startswith("!")))


class MaskedValuesField(ValuesField):
    """Kind and text of what signatures mask, as sku:TEE-2119-RED; `!value` excludes."""

    def clean(self, value: Any) -> Values:
        """Return the values. A kind that there is not is a value that nothing has."""
        values = super().clean(value)
        if not all(":" in text for text in values.include + values.exclude):
            raise ValidationError("Write kind and text, as in sku:TEE-2119-RED.")
        return values


#: What stands around names where people copy them from: quotes, brackets, the end of a sentence.
_AROUND = "\"'`“”„‘’‚«»‹›()[]{}<>."


class NamesField(forms.CharField):
    """Order names, separated by comma, semicolon or white space."""

    def clean(self, value: Any) -> tuple[str, ...]:
        """Return each name once, in the order typed."""
        text = super().clean(value)
        if len(text) > LONGEST_LIST:
            raise ValidationError(f"At most {LONGEST_LIST:,} characters.")
        # Who pastes an e-mail may paste the key of an order's page with it.
        written = (service.mask_keys(name.strip(_AROUND)) for name in re.split(r"[,;\s]+", text))
        names = tuple(dict.fromkeys(name for name in written if name.strip("#")))
        if len(names) > MOST_NAMES:
            raise ValidationError(
                f"At most {MOST_NAMES:,} names at a time; these are {len(names):,}."
            )
        return names


class TextField(forms.CharField):
    """A text whose lines end as the person's browser counts them: with one character."""

    def to_python(self, value: Any) -> str:
        """Read it; browsers send two characters for each end of a line."""
        return str(super().to_python(value)).replace("\r\n", "\n")


class PastedField(forms.CharField):
    """The slug of a list of order names that was kept."""

    def clean(self, value: Any) -> tuple[str, ...]:
        """Return the names of the list; () if blank."""
        slug = super().clean(value)
        if not slug:
            return ()
        kept = PastedList.objects.filter(slug=slug).first()
        if kept is None:
            raise ValidationError("This list is not kept any more. Paste the names again.")
        return tuple(kept.names.split("\n"))


class DayField(forms.Field):
    """A day, written YYYY-MM-DD."""

    widget = forms.DateInput

    def clean(self, value: Any) -> date | None:
        """Return the day; None if blank."""
        text = (value or "").strip()
        if not text:
            return None
        _refuse_nul(text)
        match = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", text)
        if not match:
            raise ValidationError("Write a day as 2026-11-30.")
        year, month, day = map(int, match.groups())
        try:
            return date(year, month, day)
        except ValueError:
            raise ValidationError(_no_such_day(year, month, day)) from None


def _no_such_day(year: int, month: int, day: int) -> str:
    if not (1 <= month <= 12 and year and day):
        return "There is no such day. Write a day as 2026-11-30."
    days = calendar.monthrange(year, month)[1]
    name = f"{calendar.month_name[month]} {year}" if month == 2 else calendar.month_name[month]
    return f"{name} has {days} days. Write a day as {year}-{month:02d}-{days}."


class HourField(forms.Field):
    """An hour of a weekday, written tue-13."""

    def clean(self, value: Any) -> tuple[int, int] | None:
        """Return weekday (1 = Monday) and hour; None if blank."""
        text = (value or "").strip()
        if not text:
            return None
        day, _, hour = text.partition("-")
        if day not in WEEKDAYS or not re.fullmatch("[01][0-9]|2[0-3]", hour):
            raise ValidationError("Write a weekday and an hour as tue-13.")
        return WEEKDAYS.index(day) + 1, int(hour)


class PageField(forms.Field):
    """A whole number of at least 1, however large."""

    def clean(self, value: Any) -> int:
        """Return the number; one of more than nine digits is a page past the end."""
        text = (value or "").strip() or "1"
        if not (text.isascii() and text.isdigit()) or not text.strip("0"):
            raise ValidationError("A page is a whole number of at least 1.")
        return int(text[-9:]) if len(text.lstrip("0")) <= 9 else 10**9


def choice_field(choices: Mapping[str, str], words: str = "") -> forms.ChoiceField:
    """Make a field that takes one of these values; ``words`` name them in its message."""
    message = f"One of {words or ', '.join(choices)}."
    return forms.ChoiceField(
        choices=list(choices.items()), required=False, error_messages={"invalid_choice": message}
    )


def _refuse_nul(text: str) -> None:
    if "\x00" in text:
        raise ValidationError("There is a NUL character in it.")
