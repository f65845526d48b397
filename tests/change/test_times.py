"""Days and moments in a time zone, on the days when its clocks change too."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditviewer.times import (
    clock_time,
    day_in_words,
    day_of,
    moment_in_words,
    short_day,
    start_of,
    zone_in_words,
    zone_names,
    zones,
)

BERLIN, CAIRO, LORD_HOWE = map(ZoneInfo, ("Europe/Berlin", "Africa/Cairo", "Australia/Lord_Howe"))
TODAY = date(2026, 11, 22)
EVENING = datetime(2026, 11, 22, 17, 42, 7, tzinfo=UTC)


def length(day: date, zone: ZoneInfo) -> timedelta:
    return start_of(day + timedelta(days=1), zone) - start_of(day, zone)


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        (date(2026, 11, 22), BERLIN, 24),
        (date(2026, 10, 25), BERLIN, 25),
        (date(2026, 3, 29), BERLIN, 23),
        (date(2026, 4, 24), CAIRO, 23),
        (date(2026, 4, 5), LORD_HOWE, 24.5),
        (date(2011, 12, 30), ZoneInfo("Pacific/Apia"), 0),
    ],
)
def test_a_day_is_as_long_as_its_clocks_say(day: date, zone: ZoneInfo, hours: float) -> None:
    assert length(day, zone) == timedelta(hours=hours)


def test_a_day_without_midnight_begins_when_the_clocks_skip_it() -> None:
    skip = datetime(2026, 4, 23, 22, 0, tzinfo=UTC)

    assert start_of(date(2026, 4, 24), CAIRO) == skip
    assert day_of(skip, CAIRO) == date(2026, 4, 24)
    assert day_of(skip - timedelta(microseconds=1), CAIRO) == date(2026, 4, 23)


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(sorted(zone_names())).map(ZoneInfo),
)
def test_every_moment_is_within_its_day(moment: datetime, zone: ZoneInfo) -> None:
    day = day_of(moment, zone)

    assert start_of(day, zone) <= moment < start_of(day + timedelta(days=1), zone)


@pytest.mark.parametrize(
    ("day", "words", "short"),
    [
        (date(2026, 11, 22), "Today, Sunday 22 November", "22 Nov"),
        (date(2026, 11, 21), "Yesterday, Saturday 21 November", "21 Nov"),
        (date(2026, 11, 20), "Friday 20 November", "20 Nov"),
        (date(2025, 12, 31), "Wednesday 31 December 2025", "31 Dec 2025"),
    ],
)
def test_a_day_has_its_year_where_it_is_another(day: date, words: str, short: str) -> None:
    assert day_in_words(day, TODAY) == words
    assert short_day(day, TODAY) == short


@pytest.mark.parametrize(
    ("zone", "clock", "words", "name"),
    [
        ("UTC", "17:42", "Sunday 22 November 2026, 17:42:07 (UTC)", "UTC"),
        (
            "Asia/Kolkata",
            "23:12",
            "Sunday 22 November 2026, 23:12:07 (Asia/Kolkata, UTC+05:30)",
            "Asia/Kolkata (UTC+05:30)",
        ),
        (
            "America/New_York",
            "12:42",
            "Sunday 22 November 2026, 12:42:07 (America/New_York, UTC-05:00)",
            "America/New_York (UTC-05:00)",
        ),
        (
            "Europe/London",
            "17:42",
            "Sunday 22 November 2026, 17:42:07 (Europe/London, UTC+00:00)",
            "Europe/London (UTC+00:00)",
        ),
    ],
)
def test_a_moment_says_its_zone(zone: str, clock: str, words: str, name: str) -> None:
    assert clock_time(EVENING, ZoneInfo(zone)) == clock
    assert moment_in_words(EVENING, ZoneInfo(zone)) == words
    assert zone_in_words(ZoneInfo(zone), EVENING) == name


def test_the_hour_that_comes_twice_is_told_apart_by_its_offset() -> None:
    first, second = (datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1))

    assert moment_in_words(first, BERLIN).endswith("02:30:00 (Europe/Berlin, UTC+02:00)")
    assert moment_in_words(second, BERLIN).endswith("02:30:00 (Europe/Berlin, UTC+01:00)")


def test_zones_are_offered_by_region() -> None:
    assert "Europe/Berlin" in zones()["Europe"]
    assert all(name in zone_names() for names in zones().values() for name in names)
