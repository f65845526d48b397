"""Which item of a list is which one of another, whatever became of its place and its contents."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditviewer.change.items import match_items
from auditviewer.change.order import Place, Verb
from auditviewer.change.trees import find_differences

identities = st.sampled_from(["id", "uuid", "key", "name"])
few = st.integers(0, 3)
any_items = st.lists(
    st.dictionaries(identities | st.sampled_from(["do", "n"]), few | st.none()) | st.lists(few),
    max_size=6,
)


def pairs(old: list[Any], new: list[Any]) -> list[tuple[int | None, int | None]]:
    return [(item.place.old, item.place.new) for item in match_items(old, new)]


def verbs(old: list[Any], new: list[Any]) -> list[Verb | None]:
    return [difference.verb for difference in find_differences(old, new)]


def steps(identity: str, *keys: Any) -> list[dict[str, Any]]:
    return [{identity: key, "n": 0} for key in keys]


@pytest.mark.parametrize("identity", ["id", "uuid", "key", "name"])
def test_an_item_is_known_by_its_identity(identity: str) -> None:
    old, new = steps(identity, "a", "b"), steps(identity, "b", "c", "a")

    assert pairs(old, new) == [(2, 1), (None, 2), (1, 3)]


@pytest.mark.parametrize(
    "broken",
    [
        [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}],
        [{"id": 1, "name": "a"}, {"name": "b"}],
        [{"id": None, "name": "a"}, {"id": 2, "name": "b"}],
        [{"id": {}, "name": "a"}, {"id": 2, "name": "b"}],
        [{"id": True, "name": "a"}, {"id": False, "name": "b"}],
        [{"id": 8, "name": "a"}, {"id": 9, "name": "b"}],
    ],
)
def test_what_does_not_tell_items_apart_is_passed_over(broken: list[Any]) -> None:
    whole = [{"id": 6, "name": "b"}, {"id": 7, "name": "a"}]

    assert pairs(broken, whole) == [(2, 1), (1, 2)]


def test_a_key_that_is_a_text_is_not_the_number() -> None:
    assert pairs(steps("id", 1), steps("id", "1")) == [(None, 1), (1, None)]


def test_an_item_is_known_by_the_key_that_audit_toml_names() -> None:
    old: list[Any] = [{"slug": "a", "id": 1, "do": "mail"}, {"slug": "b", "id": 2, "do": "call"}]
    new: list[Any] = [{"slug": "b", "id": 1, "do": "call"}, {"slug": "a", "id": 2, "do": "mail"}]

    found = match_items(old, new, "slug")

    assert [(item.place.old, item.place.new) for item in found] == [(2, 1), (1, 2)]


def test_a_key_that_does_not_tell_items_apart_is_not_used() -> None:
    old: list[Any] = [{"slug": "a", "id": 1}]
    new: list[Any] = [{"slug": "a", "id": 2}, {"slug": "a", "id": 1}]

    assert [item.place.old for item in match_items(old, new, "slug")] == [None, 1]


def test_an_item_is_called_by_its_key_where_it_has_no_name() -> None:
    [difference] = find_differences([{"slug": "call"}], [], "slug")

    assert difference.path == ("call",)


def test_an_item_without_identity_is_known_by_what_it_holds_and_then_by_its_neighbour() -> None:
    old = [{"do": "mail"}, {"do": "call"}, {"do": "wait"}]
    new = [{"do": "wait"}, {"do": "mail"}, {"do": "text"}, {"say": "hi"}]

    assert pairs(old, new) == [(3, 1), (1, 2), (2, 3), (None, 4)]


@given(any_items, any_items)
def test_each_item_is_there_once_with_a_name_of_its_own_kind(
    old: list[Any], new: list[Any]
) -> None:
    found = match_items(old, new)

    assert sorted(item.place.old for item in found if item.place.old) == [
        number for number, _ in enumerate(old, start=1)
    ]
    assert [item.place.new for item in found if item.place.new] == [
        number for number, _ in enumerate(new, start=1)
    ]
    assert all(item.name and item.place != Place(None, None) for item in found)


@given(st.permutations([*"abcdef"]), st.lists(st.sampled_from([*"uvwxyz"]), unique=True))
def test_items_that_only_came_are_all_that_is_told(order: list[str], came: list[str]) -> None:
    old = steps("id", *order)
    new = list(old)
    for number, item in enumerate(steps("id", *came)):
        new.insert(number * 2, item)

    assert verbs(old, new) == [Verb.ADDED] * len(came)
    assert verbs(new, old) == [Verb.REMOVED] * len(came)


@given(st.permutations([*"abcdef"]), st.integers(0, 5), st.integers(0, 5))
def test_an_item_that_was_moved_is_one_move(order: list[str], start: int, end: int) -> None:
    for identity in ("id", "do"):
        old = steps(identity, *order)
        new = [*old]
        new.insert(end, new.pop(start))
        assert verbs(old, new) == [Verb.MOVED] * (start != end)
