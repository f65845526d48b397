"""Numbers, money, moments, durations and sizes as an admin writes them.

Knows what is stored for each, not which columns hold them.
"""

import re
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency

from auditviewer.change.stored import as_text

LOCALE = "en"
GROUPED_FROM = 10_000
"""Numbers from here on get separators: a year doesn't."""
MOST_DIGITS = 28
"""Of two numbers together, or of an amount of money: what is worked out of them is exact."""
CURRENCY = re.compile(r"[A-Z]{3}")
DATE = re.compile(r"\d{4}-\d\d-\d\d")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")
INTERVAL = re.compile(
    r"(?:([+-]?\d+) years? ?)?(?:([+-]?\d+) mons? ?)?(?:([+-]?\d+) days? ?)?"
    r"(?:([+-]?)(\d+):(\d\d):(\d\d(?:\.\d+)?))?"
)
"""As PostgreSQL writes it: "1 year 2 mons 3 days 04:05:06"."""
ISO_DURATION = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)
UNITS = ("year", "month", "day", "hour", "minute", "second")
SIZE_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def number_in_words(value: int | Decimal) -> str:
    """Return a number with all the digits that are stored, grouped where it is long."""
    digits = as_text(value)
    whole, point, fraction = digits.lstrip("-").partition(".")
    if len(whole) <= 30 and int(whole) >= GROUPED_FROM:
        whole = f"{int(whole):,}"
    return f"{'−' if digits.startswith('-') else ''}{whole}{point}{fraction}"


def amount_in_words(value: int | Decimal, currency: str | None) -> str:
    """Return an amount of money, with a number's digits; without a currency it is a number."""
    if currency is None or len(as_text(value)) > MOST_DIGITS:
        return number_in_words(value)
    words = format_currency(
        Decimal(value), currency, locale=LOCALE, decimal_quantization=False
    ).replace("-", "−")
    return re.sub(r"([A-Z]{3})(?=\d)", "\\1\N{NO-BREAK SPACE}", words)


def is_currency(code: str) -> bool:
    """Tell whether this looks like the code of a currency (ISO 4217)."""
    return CURRENCY.fullmatch(code) is not None


def difference_of(before: int | Decimal, after: int | Decimal) -> Decimal | None:
    """Return by how much a number changed; None where that would not be exact."""
    digits = as_text(before), as_text(after)
    if len("".join(digits)) > MOST_DIGITS:
        return None
    return Decimal(digits[1]) - Decimal(digits[0])


def read_moment(text: str) -> date | datetime | None:
    """Return the day or the moment that a text is, if it is one."""
    try:
        if DATE.fullmatch(text):
            return date.fromisoformat(text)
        return datetime.fromisoformat(text) if TIMESTAMP.fullmatch(text) else None
    except ValueError:
        return None


@lru_cache(maxsize=10_000)
def moment_in_words(moment: date | datetime, zone: tzinfo) -> str:
    """Return "3 Nov 2026" or "3 Nov 2026, 18:42:07"; what is stored without a zone stays as it is.

    Raises OverflowError beside the first and the last year.
    """
    if not isinstance(moment, datetime):
        return format_date(moment, "d MMM y", locale=LOCALE)
    local = moment.astimezone(zone) if moment.tzinfo else moment
    tz = zone if moment.tzinfo else None
    return format_datetime(local, "d MMM y, HH:mm:ss", tzinfo=tz, locale=LOCALE)


def time_between(before: date | datetime, after: date | datetime) -> str:
    """Return "3 days later"; nothing where the two are not of one kind."""
    if isinstance(before, datetime) and isinstance(after, datetime):
        if (before.tzinfo is None) != (after.tzinfo is None):
            return ""
        distance = after - before
    elif isinstance(before, datetime) or isinstance(after, datetime):
        return ""
    else:
        distance = after - before
    words = _distance_in_words(abs(distance))
    return f"{words} {'later' if distance > timedelta() else 'earlier'}" if words else ""


def _distance_in_words(distance: timedelta) -> str:
    minutes, seconds = divmod(distance.seconds, 60)
    return _units_in_words(("", "", distance.days, minutes // 60, minutes % 60, seconds), most=2)


def duration_in_words(text: str) -> str | None:
    """Return "1 hour 30 minutes"; None for what is no duration, or may be a time of the day."""
    if match := ISO_DURATION.fullmatch(text):
        return _units_in_words(match.groups("")) or None
    match = INTERVAL.fullmatch(text)
    if not text or match is None:
        return None
    *days, sign, hours, minutes, seconds = match.groups("")
    if not any(days) and not sign and int(hours) < 24:
        return None
    clock = (int(hours or 0), int(minutes or 0), f"{Decimal(seconds or 0).normalize():f}")
    return _units_in_words((*days, *(f"{sign}{number}" for number in clock)))


def _units_in_words(numbers: tuple[object, ...], most: int = len(UNITS)) -> str:
    told = [
        f"{_signed(number)} {unit}{'' if number in ('1', 1) else 's'}"
        for number, unit in zip(map(str, numbers), UNITS, strict=True)
        if number.strip("+-0.")
    ]
    return " ".join(told[:most])


def _signed(number: str) -> str:
    return number.lstrip("+").replace("-", "−")


def number_in_short(number: float) -> str:
    """Return "12,300" for 12345, and "0.67": as many digits as one can take in."""
    short = Decimal(f"{number:.{3 if number >= 100 else 2}g}")
    return number_in_words(int(short) if short == short.to_integral() else short)


def size_in_words(size: float) -> str:
    """Return "1 byte" or "9.1 MB", each of 1,024 kB: PostgreSQL's units."""
    unit = 0
    while size >= 1000 and unit < len(SIZE_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    name = "byte" if (size, unit) == (1, 0) else SIZE_UNITS[unit]
    return f"{number_in_short(size)}\N{NO-BREAK SPACE}{name}"
