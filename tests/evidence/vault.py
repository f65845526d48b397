"""A log with a history of seals, bundles of it, and what an auditor is told of them."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from click.testing import CliRunner, Result
from psycopg.rows import namedtuple_row

from generator.cli import main
from generator.evidence import VERIFIER
from tests.crm import VIEWER, Crm, Person

ANA = Person("7", "Ana Díaz \N{ROCKET}", "2001:db8::7")
MANY = """
INSERT INTO crm.workflow (name, record_type, owner_id)
SELECT 'Workflow ' || n, 'lead', 1 FROM generate_series(1, 1500) AS n
"""
# What no application should write, and what JSON readers get wrong.
ODD = r"""
INSERT INTO audit.entry (source, operation, table_schema, table_name, module, entity, part,
    entity_id, former_entity_id, entity_label, actor, ip, client_addr, context, row_key, labels,
    old_row, new_row)
VALUES ('crm', 'UPDATE', 'crm', 'odd', 'Odd', 'Oddity', 'Part', '7', '8', '"«ü»"',
    E'1\n  PROVEN: by me', 'not an address', '2001:db8::1:0/64', '{"a": [1, null, {"b": true}]}',
    '{"id": 9223372036854775807}', '{"owner_id": {"7": "Ana"}}',
    '{"n": 9007199254740993, "price": 1.10, "name": "\u202e", "gone": 1, "same": 1}',
    '{"n": "9007199254740993", "price": 1.1, "name": "b", "gone": null, "same": 1}')
RETURNING id
"""


@dataclass
class Vault:
    """A log that is sealed, the anchors that somebody keeps of it, and entries worth a look."""

    crm: Crm
    anchors: list[dict[str, Any]] = field(default_factory=list)
    workflow: int = 0
    odd: int = 0
    telling: Sequence[int] = ()

    def seal(self, call: str = "audit.seal_entries()") -> Any:
        """Add a seal to the chain, keep its head as an anchor, and return it."""
        with psycopg.connect(self.crm.as_role("postgres"), row_factory=namedtuple_row) as sealer:
            sealer.execute("SET client_encoding = 'UTF8'")
            sealer.execute("SET ROLE audit_owner")
            seal: Any = sealer.execute(f"SELECT * FROM {call}".encode()).fetchone()
        told = {name: getattr(seal, name) for name in ("identity", "number", "kind", "entries")}
        when = {"sealed_at": seal.sealed_at.isoformat(), "head": seal.head.hex()}
        self.anchors.append({"source": "crm", "database": "crm_of_a_module", **told, **when})
        return seal

    def evidence(self, *options: object) -> Result:
        """Run pgwitness evidence as a member of audit_reader."""
        database = ("--database", self.crm.as_role(VIEWER))
        return CliRunner().invoke(main, ["evidence", *database, *map(str, options)])

    def bundle(self, *options: object) -> dict[str, Any]:
        """Return a bundle."""
        result = self.evidence(*options)
        assert result.exit_code == 0, result.output
        bundle: dict[str, Any] = json.loads(result.stdout)
        return bundle

    def entries(self, *ids: int) -> dict[str, Any]:
        """Return a bundle of these entries."""
        return self.bundle(*(word for id_ in ids for word in ("--entry", id_)))

    def ask(self, query: str, *values: object) -> Any:
        """Return the first value that a statement gives, as a superuser."""
        with self.crm.as_superuser() as superuser:
            [value] = superuser.execute(query.encode(), values).fetchone() or [None]
        return value

    def last_id(self) -> int:
        """Return the id of the last entry."""
        return int(self.ask("SELECT max(id) FROM audit.entry"))


def new_vault(crm: Crm) -> Vault:
    """Return a log with five seals, one of several blocks, a drop and a restore among them."""
    vault = Vault(crm)
    vault.workflow = crm.add_workflow("Nurture new leads", by=ANA, conditions=2)
    first = vault.last_id()
    crm.save("UPDATE crm.workflow SET name = 'Nurture ü', owner_id = 2", by=ANA)
    vault.seal()
    crm.save(MANY)
    many = vault.last_id()
    vault.seal()
    vault.odd = vault.ask(ODD)
    vault.seal("audit._seal_drop(now() - interval '3 days', now() - interval '2 days', 0, 90, 0)")
    vault.seal('audit.acknowledge_restore(\'a test\', \'[{"number": 5, "head": "ab"}]\')')
    crm.save("DELETE FROM crm.workflow WHERE id = %s", vault.workflow)
    vault.seal()
    vault.telling = (first, first + 1, many - 1400, many, vault.odd, vault.last_id())
    return vault


def write(folder: Path, bundle: Any, anchors: Sequence[Any] = ()) -> tuple[Path, Path]:
    """Write what an auditor was sent, and the anchors that they kept."""
    (folder / "bundle.json").write_text(json.dumps(bundle), "utf-8")
    (folder / "anchors.jsonl").write_text("".join(f"{json.dumps(a)}\n" for a in anchors))
    return folder / "bundle.json", folder / "anchors.jsonl"


def verify(bundle: Path, anchors: Path | None = None) -> tuple[int, str, str]:
    """Run the verifier as an auditor does, with no package at hand; return exit code and output."""
    options = ["--anchors", str(anchors)] if anchors else []
    done = subprocess.run(
        [sys.executable, "-I", "-S", VERIFIER, bundle, *options],
        capture_output=True,
        encoding="utf-8",
        check=False,
        env={},
    )
    return done.returncode, done.stdout, done.stderr
