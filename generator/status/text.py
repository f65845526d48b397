"""How the status of a log is printed: for a DBA in a terminal, and as JSON.

Times are in UTC; a day is one, too.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any

from generator.status import Amount, Sealed, Status, Table
from generator.status.trust import Trust
from generator.wording import count

UNITS = ("bytes", "kB", "MB", "GB", "TB")


def as_json(status: Status, trust: Trust) -> str:
    """Return all of a status for a machine: bytes, ISO dates, and what 90 days will need."""
    told = asdict(status)
    told["kept_days_will_need"] = status.a_day and asdict(_kept(status.a_day, status))
    told["trust"] = asdict(trust)
    for table, words in zip(status.tables, told["tables"], strict=True):
        words["name"] = str(table.name)
    return json.dumps(told, indent=2, default=_plain)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def as_text(status: Status, trust: Trust) -> str:
    """Return a status for the eye: facts, the last days, the tables, whom to trust."""
    days = [
        (_days(day.day, day.until, status), *_amount(day.amount, is_exact=status.is_exact))
        for day in status.days
    ]
    tables = [
        (
            str(table.name),
            _moment(table.tracked_at),
            _but(table),
            *(_amount(table.a_day) if table.a_day else ("", "")),
            _size(_kept(table.a_day, status)) if table.a_day else "",
        )
        for table in status.tables
    ]
    kept = count(status.upkeep.retention_days, "day")
    return "\n".join(
        [
            *_aligned(list(_facts(status))),
            "",
            *_aligned([("day (UTC)", "entries", "with indexes"), *days], right=(1, 2)),
            "",
            *_aligned(
                [
                    ("table", "tracked since", "", "entries a day", "a day", f"in {kept}"),
                    *tables,
                ],
                right=(3, 4, 5),
            ),
            "",
            *trust.lines,
        ]
    )


def _facts(status: Status) -> Iterator[tuple[str, str]]:
    upkeep = status.upkeep
    yield "database", status.database
    yield "now", _moment(status.now)
    yield "oldest entry", _moment(status.oldest_entry) if status.oldest_entry else "none"
    yield "holds", f"about {_entries(status.total)}, {_size(status.total)} with indexes"
    if status.a_day:
        size = _size(status.a_day)
        yield "grows by", f"about {_entries(status.a_day)} a day, {size} with indexes"
        kept = _size(_kept(status.a_day, status))
        yield f"{count(upkeep.retention_days, 'day')} need", f"about {kept} at this rate"
    else:
        yield "grows by", "not known before the first whole day"
    until = f", until {upkeep.prepared_until} 00:00 UTC" if upkeep.prepared_until else ""
    yield "prepared", f"{count(upkeep.days_ahead, 'day')} ahead{until}"
    yield "maintained", _moment(upkeep.ran_well_at)
    if upkeep.given_up:
        left = "; ".join(upkeep.given_up.splitlines())
        yield "given up", f"{_moment(upkeep.last_run_at)}: {left}"
    yield from _seals(status.sealed)
    if upkeep.indexed_until:
        but = f", but for {count(upkeep.not_indexed, 'day')}" if upkeep.not_indexed else ""
        yield "text search", f"indexed until {upkeep.indexed_until} 00:00 UTC{but}"
    else:
        yield "text search", "not indexed"


def _seals(sealed: Sealed | None) -> Iterator[tuple[str, str]]:
    if sealed is None:
        yield "sealed", "never"
        return
    yield "sealed", f"{_moment(sealed.sealed_at)}, seal {sealed.number:,}"
    if sealed.verified_at is not None:
        moment = _moment(sealed.verified_at)
        yield "verified", f"{moment}, up to seal {sealed.verified_up_to:,}: {sealed.found:,} found"


def _but(table: Table) -> str:
    """Return "not 2026-10-10 08:00 – 2026-10-12 09:30 UTC; until 2026-11-02 10:00 UTC"."""
    gaps = [f"not {gap.since:%Y-%m-%d %H:%M} – {_moment(gap.until)}" for gap in table.gaps]
    end = [f"until {_moment(table.untracked_at)}"] if table.untracked_at else []
    return "; ".join(gaps + end)


def _kept(a_day: Amount, status: Status) -> Amount:
    return a_day * status.upkeep.retention_days


def _amount(amount: Amount, *, is_exact: bool = False) -> tuple[str, str]:
    entries = f"{round(amount.entries):,}" if is_exact else number_in_short(amount.entries)
    return entries, _size(amount)


def _entries(amount: Amount) -> str:
    number = number_in_short(amount.entries)
    return f"{number} {'entry' if number == '1' else 'entries'}"


def _size(amount: Amount) -> str:
    return size_in_words(amount.bytes)


def number_in_short(number: float) -> str:
    """Return "12,300" for 12345, and "0.67": as many digits as one can take in."""
    short = float(f"{number:.{3 if number >= 100 else 2}g}")
    return f"{short:,.0f}" if short >= 10 or short == int(short) else f"{short:g}"


def size_in_words(size: float) -> str:
    """Return "9.1 MB", each of 1,024 kB, as pg_size_pretty() does."""
    unit = 0
    while size >= 1000 and unit < len(UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return f"{number_in_short(size)} {UNITS[unit]}"


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "never"


def _days(day: date, until: date | None, status: Status) -> str:
    if until is None or until > status.now.date():
        return f"{day} so far"
    last = until - timedelta(days=1)
    return str(day) if last == day else f"{day} – {last}"


def _aligned(lines: Sequence[tuple[str, ...]], right: tuple[int, ...] = ()) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(line, widths, strict=True))
            if width
        ).rstrip()
        for line in lines
    ]
