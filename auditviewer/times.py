"""Days and moments as an admin reads them, in a named time zone.

Knows no entries; which zone it is, the URL or the configuration says.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from babel.dates import format_date, format_datetime

LOCALE = "en"
REGIONS = (
    "Africa",
    "America",
    "Antarctica",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the first moment of a day, in UTC; where clocks skip midnight, that of the skip."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """Return the day of a moment."""
    return moment.astimezone(zone).date()


def day_in_words(day: date, today: date) -> str:
    """Return "Today, Sunday 22 November", with the year where it isn't this one."""
    pattern = "EEEE d MMMM" if day.year == today.year else "EEEE d MMMM y"
    words = format_date(day, pattern, locale=LOCALE)
    near = {today: "Today, ", today - timedelta(days=1): "Yesterday, "}
    return near.get(day, "") + words


def short_day(day: date, today: date) -> str:
    """Return "22 Nov", with the year where it isn't this one."""
    return format_date(day, "d MMM" if day.year == today.year else "d MMM y", locale=LOCALE)


def clock_time(moment: datetime, zone: ZoneInfo) -> str:
    """Return "18:42"."""
    return format_datetime(moment.astimezone(zone), "HH:mm", locale=LOCALE)


@dataclass(frozen=True)
class Clock:
    """How moments are said in few words: by a zone, and seen from *now*."""

    zone: ZoneInfo
    now: datetime

    def moment(self, moment: datetime) -> str:
        """Return "25 Nov, 22:10"."""
        return f"{self.day(day_of(moment, self.zone))}, {clock_time(moment, self.zone)}"

    def day(self, day: date) -> str:
        """Return "25 Nov"."""
        return short_day(day, day_of(self.now, self.zone))

    def days(self, first: date, after: date) -> str:
        """Return "25 Nov", or "25 Nov – 3 Dec" for more than one day."""
        last = after - timedelta(days=1)
        return self.day(first) if last <= first else f"{self.day(first)} – {self.day(last)}"


def moment_in_words(moment: datetime, zone: ZoneInfo) -> str:
    """Return "Sunday 22 November 2026, 18:42:07 (Europe/Berlin, UTC+01:00)"."""
    local = moment.astimezone(zone)
    words = format_datetime(local, "EEEE d MMMM y, HH:mm:ss", locale=LOCALE)
    return f"{words} (UTC)" if zone.key == "UTC" else f"{words} ({zone.key}, {offset(local)})"


def zone_in_words(zone: ZoneInfo, now: datetime) -> str:
    """Return "Europe/Berlin (UTC+01:00)", with the offset of that moment."""
    return "UTC" if zone.key == "UTC" else f"{zone.key} ({offset(now.astimezone(zone))})"


def offset(local: datetime) -> str:
    """Return "UTC+05:30"."""
    return "UTC" + local.isoformat()[-6:] if local.utcoffset() else "UTC+00:00"


@cache
def zone_names() -> frozenset[str]:
    """Return the names of all time zones; each look for them walks through their files."""
    return frozenset(available_timezones())


@cache
def zones() -> dict[str, tuple[str, ...]]:
    """Return the time zones to choose from, by region."""
    names = sorted(zone_names())
    return {
        region: tuple(name for name in names if name.startswith(region + "/")) for region in REGIONS
    }
