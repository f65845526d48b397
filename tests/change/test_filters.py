"""Which changes are asked for, as a URL says it."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditviewer.log.filters import Filter, person_in_url, read_filter

BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")
NOW = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
TODAY = date(2026, 11, 22)


def asked(**arguments: str) -> Filter:
    return read_filter(arguments, BERLIN)


def days(**arguments: str) -> tuple[date | None, date | None]:
    found = asked(**arguments)
    return found.first, found.last


def span(**arguments: str) -> tuple[str, str]:
    moments = asked(**arguments).span(NOW)
    first, after = (moment.isoformat() if moment else "" for moment in moments)
    return first, after


def test_nothing_asked_is_everything() -> None:
    assert asked().is_empty
    assert asked().arguments() == {}
    assert span() == ("", "")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"period": "today"}, ("2026-11-22T23:00:00+00:00", "")),
        ({"period": "7"}, ("2026-11-16T23:00:00+00:00", "")),
        ({"period": "30"}, ("2026-10-24T22:00:00+00:00", "")),
        ({"period": "today", "zone": "UTC"}, ("2026-11-22T00:00:00+00:00", "")),
        ({"from": "2026-11-03"}, ("2026-11-02T23:00:00+00:00", "")),
        ({"to": "2026-11-03"}, ("", "2026-11-03T23:00:00+00:00")),
        (
            {"from": "2026-10-25", "to": "2026-10-25"},
            ("2026-10-24T22:00:00+00:00", "2026-10-25T23:00:00+00:00"),
        ),
    ],
)
def test_a_period_is_of_whole_days_in_its_zone(
    arguments: dict[str, str], expected: tuple[str, str]
) -> None:
    assert span(**arguments) == expected


def test_days_the_wrong_way_round_are_turned() -> None:
    assert days(**{"from": "2026-11-09", "to": "2026-11-03"}) == (
        date(2026, 11, 3),
        date(2026, 11, 9),
    )


@pytest.mark.parametrize(
    "arguments",
    [
        {"period": "yesterday"},
        {"period": "dates"},
        {"period": "7\0"},
        {"from": "2026-02-30"},
        {"from": "0001-01-01"},
        {"to": "9999-12-31"},
        {"to": "soon"},
        {"zone": "Europe/Atlantis"},
        {"zone": "../../etc/passwd"},
        {"by": ""},
        {"by": "="},
        {"module": ""},
        {"q": " "},
        {"type": "moved"},
        {"type": "Created"},
        {"entity": ""},
        {"save": "-1"},
        {"save": "12345678901234567890"},
        {"save": "٧"},
        {"unknown": "7"},
    ],
)
def test_what_makes_no_sense_is_left_out(arguments: dict[str, str]) -> None:
    assert asked(**arguments) == asked()


def test_a_preset_goes_before_dates() -> None:
    assert days(**{"period": "7", "from": "2026-11-03"}) == (None, None)


@pytest.mark.parametrize("actor", [None, "system", "7", "=", "=system", "a b&c", "\N{SNOWMAN}"])
def test_everybody_has_a_name_in_the_url(actor: str | None) -> None:
    by = person_in_url(actor)

    assert asked(by=by).actor == actor


def test_only_the_product_itself_is_called_system() -> None:
    assert person_in_url(None) == "system"
    assert person_in_url("system") != "system"


def test_a_name_with_nul_in_it_is_nobody_s() -> None:
    assert "\0" not in asked(by="a\0b", module="a\0b").arguments()["by"]


def test_the_zone_is_said_only_where_it_is_another() -> None:
    assert asked(zone="Europe/Berlin").arguments() == {}
    assert asked(zone="Asia/Kolkata").arguments() == {"zone": "Asia/Kolkata"}


@given(
    st.dictionaries(
        st.sampled_from(
            ["period", "from", "to", "q", "by", "type", "module", "entity", "save", "zone", "other"]
        ),
        st.sampled_from(
            ["today", "7", "dates", "2026-11-03", "2026-11-09", "Asia/Kolkata", "system", "deleted"]
        )
        | st.dates().map(str)
        | st.text(),
    )
)
def test_a_filter_comes_back_from_its_own_arguments(arguments: dict[str, str]) -> None:
    found = asked(**arguments)

    assert read_filter(found.arguments(), BERLIN) == found
    assert found.span(NOW)
    assert isinstance(found.period_in_words(TODAY), str)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, ""),
        ({"period": "today"}, "Today"),
        ({"period": "30"}, "Last 30 days"),
        ({"from": "2026-11-03", "to": "2026-11-09"}, "3 Nov – 9 Nov"),
        ({"from": "2026-11-03", "to": "2026-11-03"}, "3 Nov"),
        ({"from": "2025-12-30"}, "Since 30 Dec 2025"),
        ({"to": "2026-11-09"}, "Until 9 Nov"),
    ],
)
def test_a_period_has_its_words(arguments: dict[str, str], words: str) -> None:
    assert asked(**arguments).period_in_words(TODAY) == words


def test_each_filter_can_be_taken_away_alone() -> None:
    given = {"period": "7", "q": "leads", "by": "4", "type": "deleted", "module": "Workflows"}
    given |= {"entity": "Workflow", "save": "731", "zone": "Asia/Kolkata"}
    fields = {"q": "text", "type": "kind"}

    for name in set(given) - {"zone"}:
        without = asked(**given).without(fields.get(name, name))

        assert set(without.arguments()) == set(given) - {name}
        assert not without.is_empty


def test_text_is_what_is_left_without_spaces() -> None:
    assert asked(q="  nurture \n leads ").text == "nurture leads"


def test_a_span_ends_after_its_last_day_whatever_the_zone() -> None:
    first, after = asked(**{"from": "2026-11-03", "to": "2026-11-09", "zone": KOLKATA.key}).span(
        NOW
    )

    assert first is not None
    assert after is not None
    assert after - first == timedelta(days=7)
