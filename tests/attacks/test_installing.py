"""What somebody has laid out for the installer to step on, and tables that can't be captured so."""

from collections.abc import Iterator

import psycopg
import pytest

from auditviewer.demo.cluster import LOOPBACK, Cluster
from generator.config import TrackedTable
from generator.names import TableName
from generator.render import render_audit_schema, render_track
from tests.attacks.outcomes import Attack
from tests.attacks.scene import MALLORY
from tests.crm import create_role

first = pytest.mark.attacker("another role, before the installation")

# What fits better than PostgreSQL's own function is called, though that comes first in the path.
PLANTED = {
    "nextval": "nextval(text) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
    "hashtextextended": "hashtextextended(text, integer) RETURNS bigint LANGUAGE sql IMMUTABLE"
    " AS 'SELECT 1::bigint'",
}
CALLED = """
SELECT pg_describe_object(p.refclassid, p.refobjid, 0)
FROM pg_depend AS p
WHERE p.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass)
  AND p.deptype = 'n'
  AND pg_describe_object(p.refclassid, p.refobjid, 0) ~ 'public[.]'
  AND pg_describe_object(p.classid, p.objid, p.objsubid) ~ 'audit[.]'
"""


@pytest.fixture
def mallory(cluster: Cluster, empty_database: str) -> Iterator[psycopg.Connection]:
    """Somebody who may create in the schema public, as everybody may up to PostgreSQL 14."""
    with psycopg.connect(cluster.conninfo("empty", host=LOOPBACK), autocommit=True) as superuser:
        create_role(superuser, MALLORY)
        superuser.execute(f"GRANT CREATE ON SCHEMA public TO {MALLORY}".encode())
        superuser.execute(f"GRANT CREATE ON DATABASE empty TO {MALLORY}".encode())
    with psycopg.connect(cluster.conninfo("empty", MALLORY, host=LOOPBACK)) as connection:
        yield connection


@first
@pytest.mark.parametrize("function", PLANTED.values(), ids=PLANTED.keys())
def test_a_function_is_planted_that_would_be_called_as_the_writer(
    attack: Attack, mallory: psycopg.Connection, empty_database: str, function: str
) -> None:
    mallory.execute(f"CREATE FUNCTION public.{function}".encode())
    mallory.commit()
    with psycopg.connect(empty_database) as owner:
        owner.execute(render_audit_schema().encode())

    # So that names are told with their schemas.
    mallory.execute("SET search_path = ''")
    attack.in_vain(mallory, CALLED)


@first
@pytest.mark.parametrize(
    "prepared",
    [
        "CREATE SCHEMA audit",
        "CREATE SCHEMA audit; GRANT ALL ON SCHEMA audit TO PUBLIC",
        "CREATE SCHEMA audit; GRANT ALL ON SCHEMA audit TO audit_owner WITH GRANT OPTION",
        "CREATE SCHEMA audit; CREATE TABLE audit.entry (id bigint); GRANT ALL ON SCHEMA audit TO"
        " audit_owner WITH GRANT OPTION; GRANT ALL ON audit.entry TO audit_owner",
    ],
    ids=["empty", "open to all", "granted to its owner to be", "with a table for the entries"],
)
def test_the_schema_is_there_already(
    attack: Attack, mallory: psycopg.Connection, empty_database: str, prepared: str
) -> None:
    for statement in prepared.split(";"):
        mallory.execute(statement.encode())
    mallory.commit()

    with psycopg.connect(empty_database, autocommit=True) as owner:
        attack.refused(owner, render_audit_schema())


@pytest.mark.attacker("who tracks tables")
@pytest.mark.parametrize(
    "kind",
    [
        "crm.sale (id int) PARTITION BY LIST (id)",
        "crm.sale PARTITION OF crm.all_sales FOR VALUES IN (1)",
        "crm.sale () INHERITS (crm.workflow)",
    ],
)
def test_a_table_is_captured_by_statement_that_would_be_told_wrong(
    attack: Attack, reference: str, kind: str
) -> None:
    sale = TrackedTable(TableName("crm", "sale"), "crm", "S", "S", key=(), capture="statement")
    with psycopg.connect(reference, autocommit=True) as owner:
        owner.execute("CREATE TABLE crm.all_sales (id int) PARTITION BY LIST (id)")
        owner.execute(f"CREATE TABLE {kind}".encode())

        attack.refused(owner, render_track(sale), by="UA006")
