"""Evidence of a log that was tampered with behind the back of its guards tells of it."""

from pathlib import Path

import pytest

from tests.crm import Crm
from tests.evidence.vault import Vault, verify, write

TAMPERINGS = [
    ("UPDATE audit.entry SET actor = '8' WHERE id = %s", "it is not what was sealed"),
    ("UPDATE audit.entry SET new_row = '{}' WHERE id = %s", "it is not what was sealed"),
    (
        "UPDATE audit.entry SET occurred_at = occurred_at + interval '1 ms' WHERE id = %s",
        "it is not what was sealed",
    ),
    ("DELETE FROM audit.entry WHERE id = %s", "it was sealed and asked for, and is gone"),
    (
        "UPDATE audit.seal_list SET digests[1] = sha256('') WHERE %s = ANY (ids)",
        "the list of block 1 of seal",
    ),
    ("DELETE FROM audit.seal_list WHERE %s = ANY (ids)", "no block has it, though that was sealed"),
    (
        "UPDATE audit.seal_block SET entries = 7 WHERE %s BETWEEN first_id AND last_id",
        "the headers of its blocks were changed",
    ),
    (
        "DELETE FROM audit.seal_block WHERE %s BETWEEN first_id AND last_id",
        "no block has it, though that was sealed",
    ),
    (
        "UPDATE audit.seal SET sealed_at = now() FROM audit.seal_block AS b"
        " WHERE seal.number = b.seal AND %s BETWEEN b.first_id AND b.last_id",
        "it was changed",
    ),
]


@pytest.fixture(scope="module")
def vault(crm: Crm) -> Vault:
    return Vault(crm)


def sealed_entry(vault: Vault) -> int:
    """Write an entry, seal it, and return its id."""
    vault.crm.add_workflow("Nurture", conditions=1)
    vault.seal()
    return vault.last_id()


def tamper(vault: Vault, statement: str, *values: object) -> None:
    """Change the log as a superuser who goes past its triggers."""
    with vault.crm.as_superuser() as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute(statement.encode(), values)


@pytest.mark.parametrize(("statement", "said"), TAMPERINGS)
def test_what_was_done_to_the_log_is_told(
    vault: Vault, tmp_path: Path, statement: str, said: str
) -> None:
    entry = sealed_entry(vault)
    tamper(vault, statement, entry)
    code, told, _ = verify(*write(tmp_path, vault.entries(entry), vault.anchors))
    assert code == 1
    assert said in told


def test_an_entry_that_was_added_with_an_old_transaction_is_told(
    vault: Vault, tmp_path: Path
) -> None:
    entry = sealed_entry(vault)
    columns = "occurred_at, transaction_id, source, operation, table_schema, table_name, module"
    tamper(
        vault,
        f"INSERT INTO audit.entry ({columns}, entity) SELECT {columns}, 'Forgery'"
        " FROM audit.entry WHERE id = %s",
        entry,
    )
    bundle = vault.entries(vault.last_id())
    code, told, _ = verify(*write(tmp_path, bundle, vault.anchors))
    assert (code, bundle["entries"][0]["readable"]["entity"]) == (1, "Forgery")
    assert "no block has it, though that was sealed" in told


def test_a_chain_that_was_rewritten_as_a_whole_contradicts_the_anchors(
    vault: Vault, tmp_path: Path
) -> None:
    entry = sealed_entry(vault)
    *_, last = vault.anchors
    tamper(vault, "UPDATE audit.seal SET detail = '{\"a\": 1}' WHERE number = %s", last["number"])
    tamper(
        vault,
        "UPDATE audit.seal SET head = audit._head_of_seal(seal) WHERE number = %s",
        last["number"],
    )
    files = write(tmp_path, vault.entries(entry), vault.anchors)
    assert "it is not what was anchored" in verify(*files)[1]
    assert "not anchored" in verify(files[0])[1]
