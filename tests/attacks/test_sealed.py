"""A log that is sealed: what a superuser changes in it is seen by who verifies it."""

from typing import Any

import pytest

from tests.attacks.outcomes import Attack
from tests.attacks.scene import SUPERUSER, Undone, acting, anchors_of, do, verified

PAST_THE_TRIGGERS = "SET session_replication_role = replica"
COPY = """
INSERT INTO audit.entry SELECT (jsonb_populate_record(e, jsonb_build_object({changed}))).*
FROM audit.entry AS e WHERE e.id = {id}
"""
FORGERY = "UPDATE audit.entry SET actor = '2' WHERE id = {id}"
BY_A_SUPERUSER = {
    "changes an entry": (FORGERY, "changed", "entry {id}"),
    "removes an entry": ("DELETE FROM audit.entry WHERE id = {id}", "removed", "entry {id}"),
    "moves an entry by a microsecond": (
        "UPDATE audit.entry SET occurred_at = occurred_at + interval '1 us' WHERE id = {id}",
        "re-timed", "entry {id}",
    ),
    "swaps two entries": (
        "UPDATE audit.entry SET id = -{id} WHERE id = {id};"
        "UPDATE audit.entry SET id = {id} WHERE id = {other};"
        "UPDATE audit.entry SET id = {other} WHERE id = -{id}",
        "swapped", "entries {id} and {other}",
    ),
    "adds an entry to what was sealed": (
        COPY.replace("{changed}", "'id', -{id}"), "added", "entry -{id}",
    ),
    "adds an entry of a transaction to come": (
        COPY.replace("{changed}", "'id', -{id}, 'transaction_id', '999999999999'"),
        "forged", "entry -{id}",
    ),
    "changes an entry and its digest in the list": (
        FORGERY + "; UPDATE audit.seal_list AS l SET digests = (SELECT array_agg("
        "sha256(r.record) ORDER BY r.id) FROM audit.entry_record AS r WHERE r.id = ANY (l.ids))",
        "edited", "the list of block 1 of seal 1",
    ),
    "changes an entry and empties the lists": (
        FORGERY + "; TRUNCATE audit.seal_list", "broken", "block 1 of seal 1",
    ),
    "edits a seal": (
        "UPDATE audit.seal SET sealed_at = sealed_at - interval '1 day' WHERE number = 1",
        "edited", "seal 1",
    ),
    "changes an entry and seals its day anew, but not what came after": (
        FORGERY + "; UPDATE audit.seal_list AS l SET digests = (SELECT array_agg("
        "sha256(r.record) ORDER BY r.id) FROM audit.entry_record AS r WHERE r.id = ANY (l.ids));"
        "UPDATE audit.seal_block AS b SET root = (SELECT audit._root_of_list(l.ids, l.times,"
        " l.digests) FROM audit.seal_list AS l WHERE (l.seal, l.block) = (b.seal, b.number));"
        "UPDATE audit.seal SET root ="
        " (SELECT b.root FROM audit._sums_of_seals(ARRAY[number]) AS b);"
        "UPDATE audit.seal AS s SET head = audit._head_of_seal(s)",
        "rewritten", "seal 1",
    ),
}  # fmt: skip
WITH_ANCHORS = {
    "removes the last seal": (
        "DELETE FROM audit.seal WHERE number = 2; DELETE FROM audit.seal_block WHERE seal = 2;"
        "DELETE FROM audit.seal_list WHERE seal = 2",
        "removed", "seals after 1",
    ),
    "removes all seals": (
        "TRUNCATE audit.seal, audit.seal_block, audit.seal_list", "removed", "seals after 0",
    ),
    "changes an entry and writes the whole chain anew": (
        "TRUNCATE audit.seal, audit.seal_block, audit.seal_list;" + FORGERY +
        "; SELECT audit.seal_entries()",
        "rewritten", "seal 1",
    ),
}  # fmt: skip


@pytest.mark.attacker("superuser")
@pytest.mark.parametrize(
    ("script", "state", "what"), BY_A_SUPERUSER.values(), ids=BY_A_SUPERUSER.keys()
)
def test_a_superuser_of_a_sealed_log(
    attack: Attack, sealed: Undone, pieces: dict[str, Any], script: str, state: str, what: str
) -> None:
    assert verified(sealed).is_clean
    do(sealed, SUPERUSER, PAST_THE_TRIGGERS, script.format(**pieces))

    attack.detected(verified(sealed).findings, state, what.format(**pieces))


@pytest.mark.attacker("superuser")
@pytest.mark.parametrize(
    ("script", "state", "what"), WITH_ANCHORS.values(), ids=WITH_ANCHORS.keys()
)
def test_a_superuser_whose_seals_are_anchored(
    attack: Attack, sealed: Undone, pieces: dict[str, Any], script: str, state: str, what: str
) -> None:
    anchors = anchors_of(sealed)
    do(sealed, SUPERUSER, PAST_THE_TRIGGERS, script.format(**pieces))

    assert verified(sealed).is_clean
    attack.detected(verified(sealed, anchors).findings, state, what)


@pytest.mark.attacker("owner of the database")
def test_an_installer_who_can_not_say_which_database_it_was_seals_in_another(
    attack: Attack, sealed: Undone, pieces: dict[str, Any]
) -> None:
    do(sealed, SUPERUSER, PAST_THE_TRIGGERS, "UPDATE audit.seal AS s SET identity = '1/1/1'"
       " WHERE number = 2", "UPDATE audit.seal AS s SET head = audit._head_of_seal(s)")  # fmt: skip

    with acting(sealed, SUPERUSER) as owner:
        attack.refused(owner, "SELECT audit.seal_entries()", by="UA011")
