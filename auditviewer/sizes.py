"""How much there is, in a few digits: numbers of entries, and bytes."""

from decimal import Decimal

from auditviewer.change.quantities import number_in_words

UNITS = ("bytes", "kB", "MB", "GB", "TB")


def number_in_short(number: float) -> str:
    """Return "12,300" for 12345, and "0.67": as many digits as one can take in."""
    short = Decimal(f"{number:.{3 if number >= 100 else 2}g}")
    return number_in_words(int(short) if short == short.to_integral() else short)


def size_in_words(size: float) -> str:
    """Return "9.1 MB", each of 1,024 kB: PostgreSQL's units."""
    unit = 0
    while size >= 1000 and unit < len(UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return f"{number_in_short(size)}\N{NO-BREAK SPACE}{UNITS[unit]}"
