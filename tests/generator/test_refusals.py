"""Who may not read the log, or act as its owner, is told so by each command in the same words."""

import psycopg
import pytest
from click.testing import CliRunner
from psycopg.conninfo import make_conninfo

from auditviewer.demo.cluster import LOOPBACK, Cluster
from generator.cli import main
from tests.crm import create_role
from tests.databases import MIGRATIONS, REFERENCE

CONFIG = ("--config", str(MIGRATIONS / "audit.toml"))
STRANGER = "passer_by"

READING = pytest.mark.parametrize(
    "command",
    [
        ("status",),
        ("verify",),
        ("evidence", "--entry", "1"),
        ("reconcile", *CONFIG, "--table", "crm.workflow"),
    ],
    ids=lambda command: command[0],
)
OWNING = pytest.mark.parametrize("command", ["maintain", "seal"])


@pytest.fixture
def stranger(cluster: Cluster, reference: str) -> str:
    """Return how somebody connects to the reference installation who was granted nothing."""
    with psycopg.connect(cluster.conninfo(REFERENCE, host=LOOPBACK)) as superuser:
        create_role(superuser, STRANGER)
    return make_conninfo(reference, user=STRANGER)


def refusal(database: str, *command: str) -> str:
    """Return the first line of what a command says that could do nothing."""
    result = CliRunner().invoke(main, [*command, "--database", database])
    assert (result.exit_code, result.stdout) == (2, "")
    return result.stderr.splitlines()[0]


@READING
def test_who_may_not_read_the_log_is_told_so(stranger: str, command: tuple[str, ...]) -> None:
    what = f"{STRANGER} may not read the audit log – connect as a member of audit_reader"
    assert refusal(stranger, *command) == f"--database: {what}"


@OWNING
def test_who_may_not_act_as_the_owner_is_told_so(stranger: str, command: str) -> None:
    what = f"{STRANGER} may not act as the owner of the audit log – connect as a member of"
    assert refusal(stranger, command, *CONFIG) == f"--database: {what} audit_owner"


@READING
def test_a_database_without_a_log_has_none_to_read(
    empty_database: str, command: tuple[str, ...]
) -> None:
    said = refusal(empty_database, *command)
    assert said == "--database: empty has no audit log – apply the migrations"


@OWNING
def test_a_database_without_a_log_has_none_to_own(empty_database: str, command: str) -> None:
    said = refusal(empty_database, command, *CONFIG)
    assert said == "--database: empty has no audit log – apply the migrations"
