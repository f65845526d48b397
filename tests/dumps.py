"""Dumps of a CRM with a past, and databases that they are restored into."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.rows import namedtuple_row
from pytest_postgresql.janitor import DatabaseJanitor

from auditviewer.demo.cluster import LOOPBACK, Cluster
from generator.drift import Finding, find_drift
from generator.maintenance import Terms, begin, maintain, open_session
from generator.parse import read_config
from generator.render import render_audit_schema, render_track
from tests.databases import MIGRATIONS, OWNER, own

CONFIG = read_config(MIGRATIONS / "audit.toml")
Done = subprocess.CompletedProcess[str]

# Object, owner, rights in no order, comment, and what else a dump could lose of it.
OBJECTS = """
SELECT c.oid::regclass::text AS name, c.relowner::regrole::text AS owner,
       ARRAY(SELECT a::text FROM unnest(c.relacl) AS a ORDER BY 1) AS acl,
       obj_description(c.oid, 'pg_class') AS comment,
       concat_ws(' ', c.relrowsecurity, c.relforcerowsecurity, pg_get_expr(c.relpartbound, c.oid),
                 (SELECT pg_get_indexdef(c.oid) WHERE c.relkind IN ('i', 'I'))) AS more
FROM pg_class AS c WHERE c.relnamespace = 'audit'::regnamespace
UNION ALL
SELECT p.oid::regprocedure::text, p.proowner::regrole::text,
       ARRAY(SELECT a::text FROM unnest(p.proacl) AS a ORDER BY 1),
       obj_description(p.oid, 'pg_proc'), concat_ws(' ', p.prosecdef, p.proconfig, p.prosrc)
FROM pg_proc AS p WHERE p.pronamespace = 'audit'::regnamespace
UNION ALL
SELECT format('%s of %s', t.tgname, t.tgrelid::regclass), NULL, NULL,
       obj_description(t.oid, 'pg_trigger'), t.tgenabled::text
FROM pg_trigger AS t WHERE NOT t.tgisinternal
UNION ALL
SELECT format('%s of %s', p.polname, p.polrelid::regclass), NULL, NULL,
       obj_description(p.oid, 'pg_policy'),
       concat_ws(' ', p.polcmd, p.polroles::regrole[], pg_get_expr(p.polqual, p.polrelid),
                 pg_get_expr(p.polwithcheck, p.polrelid))
FROM pg_policy AS p
UNION ALL
SELECT format('%s of %s', a.attname, a.attrelid::regclass), NULL,
       ARRAY(SELECT x::text FROM unnest(a.attacl) AS x ORDER BY 1),
       col_description(a.attrelid, a.attnum), NULL
FROM pg_attribute AS a
     JOIN pg_class AS c ON c.oid = a.attrelid
WHERE c.relnamespace IN ('audit'::regnamespace, 'crm'::regnamespace) AND c.relkind IN ('r', 'p')
  AND a.attnum > 0 AND NOT a.attisdropped
"""
ENTRIES = "SELECT tableoid::regclass::text AS partition, e.* FROM audit.entry AS e ORDER BY e.id"


@dataclass(frozen=True)
class Database:
    """A database of the CRM; *conninfo* is its superuser's, who arranges and looks."""

    conninfo: str

    def query(self, statement: str) -> list[tuple[object, ...]]:
        """Execute a statement in a transaction of its own, and return its rows."""
        with psycopg.connect(self.conninfo) as superuser:
            return superuser.execute(statement.encode()).fetchall()

    def objects(self) -> set[str]:
        """Return all that makes the log what it is."""
        return {str(row) for row in self.query(OBJECTS)}

    def entries(self) -> list[str]:
        """Return all of every entry, and in which partition it is."""
        with psycopg.connect(self.conninfo, row_factory=namedtuple_row) as superuser:
            return [str(row) for row in superuser.execute(ENTRIES)]

    def drift(self) -> list[Finding]:
        """Return what pgwitness check says."""
        with psycopg.connect(self.conninfo) as superuser:
            return find_drift(superuser, CONFIG)

    def states(self) -> set[str]:
        """Return of which kinds the findings of pgwitness check are."""
        return {finding.state for finding in self.drift()}

    def mend(self, user: str = "postgres") -> None:
        """Do what pgwitness check says, as somebody."""
        found = self.drift()
        with psycopg.connect(self.conninfo, user=user) as connection:
            for finding in found:
                connection.execute(_sql_of(finding.fix).encode())
                connection.commit()

    def acknowledge(self) -> None:
        """Say that it was restored, as the owner of the log."""
        with psycopg.connect(self.conninfo) as superuser:
            superuser.execute("SET client_encoding = 'UTF8'")
            superuser.execute("SET ROLE audit_owner")
            superuser.execute("SELECT audit.acknowledge_restore('a test')")

    def maintain(self) -> list[str]:
        """Maintain the log as the owner of the database, and return what was given up."""
        with (
            psycopg.connect(self.conninfo, user=OWNER) as worker,
            psycopg.connect(self.conninfo, user=OWNER) as watcher,
            open_session(worker, watcher) as session,
        ):
            run = begin(session, Terms("crm"))
            list(maintain(run))
        return run.given_up


def _sql_of(fix: str) -> str:
    if not fix.startswith("apply the migrations"):
        return fix
    tables = [table for table in CONFIG.tables if f"--table {table.name} " in fix]
    return render_track(tables[0]) if tables else render_audit_schema()


@dataclass(frozen=True)
class Tools:
    """pg_dump and its kind, over the databases of a cluster, with a folder for what they write."""

    cluster: Cluster
    folder: Path

    def dump(self, database: str, *options: str, user: str = "postgres") -> Path:
        """Dump a database, and return the file. Raises AssertionError with what pg_dump says."""
        file = self.folder / str(len(list(self.folder.iterdir())))
        done = self.run("pg_dump", *options, "-f", file, "-d", self.conninfo(database, user))
        assert done.returncode == 0, done.stdout
        return file

    def run(self, program: str, *arguments: str | Path) -> Done:
        """Run a program of PostgreSQL's, with errors among its output."""
        return self.cluster.programs.run(program, *arguments)

    def conninfo(self, database: str, user: str = "postgres") -> str:
        """Return how somebody connects."""
        return self.cluster.conninfo(database, user, host=LOOPBACK)

    @contextmanager
    def new_database(self, name: str, template: str | None = None) -> Iterator[Database]:
        """Make a database that belongs to the CRM's owner, empty or a copy."""
        janitor = DatabaseJanitor(
            user=self.cluster.superuser,
            host=LOOPBACK,
            port=self.cluster.port,
            dbname=name,
            template_dbname=template,
        )
        with janitor:
            with psycopg.connect(self.conninfo(name)) as superuser:
                own(superuser)
            yield Database(self.conninfo(name))
