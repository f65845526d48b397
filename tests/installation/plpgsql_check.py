"""What plpgsql_check finds in the functions of the log.

No part of the whole suite: the embedded PostgreSQL lacks the extension. Name this file to run it.
"""

from collections.abc import Iterator

import psycopg
import pytest

from auditviewer.demo.cluster import LOOPBACK, Cluster
from tests.crm import Connection
from tests.databases import REFERENCE

# A function that serves many tables is checked on audit.entry.
FINDINGS = """
SELECT p.proname, c.message
FROM pg_proc AS p
     JOIN pg_language AS l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
     LEFT JOIN (SELECT DISTINCT tgfoid, tgrelid FROM pg_trigger) AS t ON t.tgfoid = p.oid,
     LATERAL plpgsql_check_function_tb(p.oid, CASE p.prorettype
         WHEN 'trigger'::regtype THEN coalesce(t.tgrelid, 'audit.entry'::regclass)
         ELSE 0 END) AS c
WHERE p.pronamespace = 'audit'::regnamespace
"""
KNOWN = {
    # Which partition it counts is said by an argument, so that the record's columns are not known.
    "_log_removals": {
        "cannot determinate a result of dynamic SQL",
        'record "v_day" is not assigned yet',
    },
    # That a row becomes one of another type is what it is for.
    "_salvage_as": {"target type is different type than source type"},
}
BROKEN = """
CREATE FUNCTION audit._broken(p_row jsonb) RETURNS text LANGUAGE plpgsql
AS $$ BEGIN RETURN p_row.name FROM audit.nothing; END $$
"""


@pytest.fixture
def superuser(cluster: Cluster, reference: str) -> Iterator[Connection]:
    """One who may create the extension, in the reference installation."""
    with psycopg.connect(cluster.conninfo(REFERENCE, host=LOOPBACK), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION plpgsql_check")
        yield connection


def findings(superuser: Connection) -> list[tuple[str, str]]:
    found = superuser.execute(FINDINGS.encode()).fetchall()
    return [(name, message) for name, message in found if message not in KNOWN.get(name, ())]


def test_there_is_nothing_to_find(superuser: Connection) -> None:
    assert findings(superuser) == []


def test_what_is_broken_is_found(superuser: Connection) -> None:
    superuser.execute(BROKEN.encode())

    assert {name for name, _ in findings(superuser)} == {"_broken"}
