"""A signed actor: who holds a key signed for the actor, and what an entry says of the signature."""

import hashlib
import hmac
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors

from auditviewer.demo.cluster import Cluster
from tests.shop import Connection, acting_as, insert, written

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
KEY = bytes(range(32))
FAR = 10**9
ANA = {"actor": "42", "actor_name": "Ana Díaz 🜁", "ip": "203.0.113.24"}


def readme_signer() -> Callable[..., str]:
    """What the README tells a signer to do."""
    [code] = re.findall(r"```python\n(import hashlib.*?)```", README, re.DOTALL)
    namespace: dict[str, Any] = {}
    exec(code, namespace)  # noqa: S102 - the README's own
    signer: Callable[..., str] = namespace["sign"]
    return signer


SIGN = readme_signer()


def signed(key: bytes = KEY, seconds: int = 60, **said: str) -> dict[str, str]:
    """What an application says, with a signature of it."""
    said = ANA | said
    signature = SIGN(key, said["actor"], said["actor_name"], said["ip"], seconds)
    return said | {"signature": signature}


def what_an_entry_says(owner: Connection, said: dict[str, str]) -> bool | None:
    """Write a row in the application's name, and return what its entry says of the signature."""
    with owner.transaction(force_rollback=True):
        with acting_as(owner, "shop_app"):
            for name, value in said.items():
                owner.execute("SELECT set_config('audit.' || %s, %s, true)", [name, value])
            insert(owner, "variant")
        [entry] = written(owner)
        answer: bool | None = entry.actor_signed
        return answer


@pytest.fixture
def owner(owner: Connection) -> Connection:
    """The shop's owner, who has set a key."""
    owner.execute("SELECT audit.set_actor_key(%s)", [KEY])
    return owner


def test_an_entry_says_whether_its_actor_was_signed(owner: Connection) -> None:
    assert what_an_entry_says(owner, ANA) is None
    assert what_an_entry_says(owner, ANA | {"signature": ""}) is None
    assert what_an_entry_says(owner, signed()) is True
    assert what_an_entry_says(owner, signed(actor="42", actor_name="", ip="")) is True


def test_what_is_not_set_is_signed_as_empty(owner: Connection) -> None:
    said = {"actor": "42", "signature": SIGN(KEY, "42")}
    assert what_an_entry_says(owner, said) is True


def test_set_context_takes_a_signature_and_ends_the_one_before(owner: Connection) -> None:
    with acting_as(owner, "shop_app"):
        owner.execute(
            "SELECT audit.set_context('42', p_signature => %s)",
            [signed(ip="", actor_name="")["signature"]],
        )
        insert(owner, "variant", id=1)
        owner.execute("SELECT audit.set_context('42')")
        insert(owner, "variant", id=2)
    said = [(entry.actor_bound, entry.actor_signed) for entry in written(owner)]
    assert said == [(True, True), (True, None)]


@pytest.mark.parametrize(
    "tampered",
    [
        {"actor": "43"},
        {"actor": ""},
        {"actor": "42\x1fAna Díaz 🜁", "actor_name": "203.0.113.24", "ip": ""},
        {"actor_name": "Ana Diaz"},
        {"ip": "203.0.113.25"},
        {"ip": ""},
        {"signature": SIGN(KEY[:-1], *ANA.values())},
        {"signature": SIGN(KEY, *ANA.values(), seconds=-2)},
        {"signature": str(FAR) + SIGN(KEY, *ANA.values())},
        {"signature": SIGN(KEY, *ANA.values()).upper()},
    ],
)
def test_a_signature_of_something_else_does_not_hold(
    owner: Connection, tampered: dict[str, str]
) -> None:
    assert what_an_entry_says(owner, signed() | tampered) is False


@pytest.mark.parametrize(
    "garbage",
    [
        "x",
        ".",
        "1.",
        f"{FAR * 9}.",
        f"{FAR * 9}." + "0" * 64,
        "9" * 30 + "." + "a" * 64,
        "x" * 10240,
    ],
)
def test_garbage_is_no_signature_and_no_reason_to_refuse(owner: Connection, garbage: str) -> None:
    assert what_an_entry_says(owner, ANA | {"signature": garbage}) is False


@pytest.mark.parametrize("end", ["\n", ".", "0", " "])
def test_a_signature_with_something_behind_it_does_not_hold(owner: Connection, end: str) -> None:
    assert what_an_entry_says(owner, ANA | {"signature": SIGN(KEY, *ANA.values()) + end}) is False


def test_what_could_be_read_in_two_ways_is_not_signed(owner: Connection) -> None:
    assert what_an_entry_says(owner, signed(actor_name="Ana\x1f203.0.113.24", ip="")) is False


def test_ten_kilobytes_can_be_signed(owner: Connection) -> None:
    assert what_an_entry_says(owner, signed(actor="x" * 10240)) is True


def test_no_setting_of_a_session_has_a_say(owner: Connection) -> None:
    for setting in ("standard_conforming_strings = off", "bytea_output = escape", "timezone = 9"):
        owner.execute(f"SET LOCAL {setting}".encode())
    owner.execute("SELECT audit.set_actor_key(%s)", [KEY])
    assert what_an_entry_says(owner, signed()) is True


def test_a_former_key_holds_for_the_overlap(owner: Connection) -> None:
    owner.execute("SELECT audit.set_actor_key(%s, '1 hour')", [KEY[::-1]])
    assert what_an_entry_says(owner, signed()) is True
    assert what_an_entry_says(owner, signed(KEY[::-1])) is True

    owner.execute("SELECT audit.set_actor_key(%s)", [KEY * 2])
    assert what_an_entry_says(owner, signed()) is False
    assert what_an_entry_says(owner, signed(KEY[::-1])) is False
    assert what_an_entry_says(owner, signed(KEY * 2)) is True


@pytest.mark.parametrize("key", [None, b"", b"x" * 15])
def test_a_key_that_could_be_guessed_is_refused(owner: Connection, key: bytes | None) -> None:
    with pytest.raises(psycopg.Error) as refusal, owner.transaction():
        owner.execute("SELECT audit.set_actor_key(%s)", [key])
    assert refusal.value.sqlstate == "UA009"
    assert what_an_entry_says(owner, signed()) is True


def test_hmac_is_that_of_others_for_keys_of_all_lengths(owner: Connection) -> None:
    keys = [bytes(7 * n % 256 for n in range(length)) for length in range(1, 201)]
    query = """
        SELECT sha256(audit._hmac_pad(k, 92) || sha256(audit._hmac_pad(k, 54) || 'message'))
        FROM unnest(%s::bytea[]) WITH ORDINALITY AS k (k, n) ORDER BY n
        """
    found = [mac for (mac,) in owner.execute(query, [keys])]
    assert found == [hmac.new(key, b"message", hashlib.sha256).digest() for key in keys]


@pytest.mark.parametrize("role", ["shop_app", "audit_reader", "audit_writer"])
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT inner_pad FROM audit.actor_key",
        "INSERT INTO audit.actor_key (inner_pad, outer_pad) VALUES ('', '')",
        "SELECT audit.set_actor_key('0123456789abcdef')",
    ],
)
def test_nobody_but_the_owner_of_the_log_has_to_do_with_keys(
    owner: Connection, role: str, statement: str
) -> None:
    owner.execute("GRANT audit_writer TO CURRENT_USER")
    with pytest.raises(errors.InsufficientPrivilege), acting_as(owner, role):
        owner.execute(statement.encode())


def test_who_may_read_every_table_sees_no_key(cluster: Cluster, shop: str) -> None:
    assert "shop" in shop
    with psycopg.connect(cluster.conninfo("shop")) as superuser:
        superuser.execute("SELECT audit.set_actor_key(%s)", [KEY])
        superuser.execute("GRANT USAGE ON SCHEMA audit TO pg_read_all_data")
        superuser.execute("SET LOCAL ROLE pg_read_all_data")
        assert superuser.execute("SELECT FROM audit.actor_key").fetchall() == []
        superuser.rollback()
