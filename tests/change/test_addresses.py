"""Keys of entities and moments, as an address holds them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditviewer.addresses import (
    from_path,
    in_path,
    moment_in_field,
    moment_in_url,
    read_moment,
)

BERLIN = ZoneInfo("Europe/Berlin")
SECOND_HALF_PAST_TWO = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
"""When the clocks of Berlin show 02:30 again."""

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(texts)
def test_any_key_comes_back_from_its_segment_of_a_path(key: str) -> None:
    assert from_path(in_path(key)) == key


@given(texts)
def test_a_segment_holds_nothing_that_a_path_takes_for_its_own(key: str) -> None:
    segment = in_path(key)

    assert segment not in ("", ".", "..")
    assert not set("/\\?#%\r\n\t") & set(segment)


@pytest.mark.parametrize(
    ("key", "segment"),
    [("7", "7"), ("Sales sequence", "Sales sequence"), ('["a/b", 1]', "~5B~22a~2Fb~22, 1~5D")],
)
def test_a_plain_key_is_read_as_it_is(key: str, segment: str) -> None:
    assert in_path(key) == segment


@pytest.mark.parametrize("segment", ["~2", "~zz", "a~", "~00", "~FF", "~ED~A0~80", "~2f"])
def test_a_segment_that_nobody_wrote_is_refused(segment: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        from_path(segment)


@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_a_moment_comes_back_rounded_up_to_milliseconds(moment: datetime) -> None:
    found = read_moment(moment_in_url(moment, BERLIN), BERLIN)

    assert 0 <= (found - moment).total_seconds() < 0.001


def test_a_moment_is_of_the_clocks_of_its_zone() -> None:
    assert read_moment("2026-11-20T09:00", BERLIN) == datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert read_moment("2026-11-20T09:00+05:30", BERLIN) == datetime(
        2026, 11, 20, 3, 30, tzinfo=UTC
    )


def test_of_an_hour_that_comes_twice_the_second_says_its_offset() -> None:
    assert moment_in_url(SECOND_HALF_PAST_TWO, BERLIN) == "2026-10-25T02:30:00.000+01:00"
    assert read_moment("2026-10-25T02:30", BERLIN) < SECOND_HALF_PAST_TWO


def test_a_form_shows_minutes() -> None:
    assert moment_in_field(SECOND_HALF_PAST_TWO, BERLIN) == "2026-10-25T02:30"


@pytest.mark.parametrize(
    "text", ["soon", "2026-11-31T09:00", "0001-01-01T00:00", "9999-12-31T23:59", "\0"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_moment(text, BERLIN)
