"""What the application does, in PL/pgSQL, and the entries that it writes by hand where it does.

Every system gets the same statements over the same rows. Nothing here knows how time is taken.
"""

from dataclasses import dataclass
from typing import Literal

from tests.benchmarks.capture.table import GAP

Operation = Literal["INSERT", "UPDATE", "DELETE"]

COLUMNS = """(source, operation, table_schema, table_name, module, entity, part,
     entity_id, entity_label, row_key, labels, old_row, new_row)"""

CONTACT = """'bench', '{operation}', 'public', 'contact', 'Contacts', 'Contact', NULL,
     {row}.id::text, {row}.name, jsonb_build_object('id', {row}.id), NULL, {old}, {new}"""

DEAL = """'bench', 'UPDATE', 'public', 'deal', 'Companies', 'Company', 'Deal',
     v_new.company_id::text,
     (SELECT c.name FROM company AS c WHERE c.id = v_new.company_id),
     jsonb_build_object('id', v_new.id),
     jsonb_build_object(
         'contact_id', (SELECT jsonb_build_object(r.id, r.name)
                        FROM contact AS r WHERE r.id = v_new.contact_id),
         'owner_id', (SELECT jsonb_build_object(r.id, r.full_name)
                      FROM person AS r WHERE r.id = v_new.owner_id)),
     to_jsonb(v_old), to_jsonb(v_new)"""

LOOP = """
FOR v_old IN SELECT * FROM {table} WHERE id BETWEEN {first} AND {last} LOOP
    v_new := v_old;
    {statement}
    {by_hand}
    {commit}
END LOOP;"""

STATEMENTS = {
    "INSERT": "INSERT INTO contact VALUES (v_new.*);",
    "UPDATE": """v_new.city := 'Lagos'; v_new.score := v_old.score + 1; v_new.updated_at := now();
    UPDATE contact SET city = v_new.city, score = v_new.score, updated_at = v_new.updated_at
    WHERE id = v_old.id;""",
    "DELETE": "DELETE FROM contact WHERE id = v_old.id;",
    "no-op": "UPDATE contact SET city = v_old.city WHERE id = v_old.id;",
    "ignored": "UPDATE contact SET updated_at = now() WHERE id = v_old.id;",
    "deal": """v_new.stage := 'won'; v_new.amount := v_old.amount + 1;
    UPDATE deal SET stage = v_new.stage, amount = v_new.amount WHERE id = v_old.id;""",
}

BULK = {
    "INSERT": """INSERT INTO contact SELECT * FROM new_contact AS n
    WHERE n.id BETWEEN v_from AND v_to;""",
    "UPDATE": """UPDATE contact AS n SET city = 'Lagos', score = score + 1, updated_at = now()
    WHERE n.id BETWEEN v_from AND v_to;""",
    "DELETE": "DELETE FROM contact AS n WHERE n.id BETWEEN v_from AND v_to;",
}
"""One statement for many rows."""

READ = {
    "INSERT": "NULL::jsonb AS old_row, to_jsonb(n.*) AS new_row FROM new_contact AS n",
    "UPDATE": """to_jsonb(o.*) AS old_row, to_jsonb(n.*) AS new_row
        FROM old_contact AS o JOIN contact AS n USING (id)""",
    "DELETE": "to_jsonb(n.*) AS old_row, NULL::jsonb AS new_row FROM old_contact AS n",
}
"""The rows before and after, from which the application writes its entries."""

REMEMBER = """
CREATE TEMP TABLE old_contact AS SELECT * FROM contact WHERE id BETWEEN {first} AND {last};
ANALYZE old_contact;"""
FORGET = "DROP TABLE IF EXISTS old_contact"
"""The old rows are at hand for who writes by hand: that is not counted."""


@dataclass(frozen=True)
class Workload:
    """Something to measure: *rows* rows from id *first* on, of which each leaves an entry or none.

    Row by row in a loop, in one transaction or in one each (*commits*); or *by* so many rows in
    each statement.
    """

    name: str
    kind: str
    rows: int
    first: int = 1
    by: int = 0
    commits: bool = False
    is_scale: bool = False

    @property
    def entries(self) -> int:
        """How many entries it leaves."""
        return 0 if self.kind in ("no-op", "ignored") else self.rows

    @property
    def table(self) -> str:
        """The table whose rows a loop goes over."""
        return {"INSERT": "new_contact", "deal": "deal"}.get(self.kind, "contact")

    @property
    def remember(self) -> str:
        """What an application does before that writes entries by hand."""
        return REMEMBER.format(first=self.first, last=self.last) if self.by else ""

    @property
    def last(self) -> int:
        """The last row's id."""
        return self.first + self.rows - 1


def script(workload: Workload, actor: str, hand: str) -> str:
    """Return the DO statement that an application sends which says *actor*."""
    body = (_statements if workload.by else _loop)(workload, actor, hand)
    record = "deal" if workload.kind == "deal" else "contact"
    return f"""DO $bench$
DECLARE
    v_old {record};
    v_new {record};
    v_row record;
    v_to  bigint;
BEGIN{actor}{body}
END
$bench$"""


def _loop(workload: Workload, actor: str, hand: str) -> str:
    by_hand = ""
    if hand and workload.entries:
        by_hand = f"INSERT INTO audit.entry {COLUMNS}\n    VALUES ({_values(workload.kind)});"
    return LOOP.format(
        table=workload.table,
        first=workload.first,
        last=workload.last,
        statement=STATEMENTS[workload.kind],
        by_hand=by_hand,
        commit=f"COMMIT;{actor}" if workload.commits else "",
    )


def _statements(workload: Workload, actor: str, hand: str) -> str:
    write = {"": "", "rows": _entries_by_row, "set": _entries_by_set}[hand]
    return f"""
FOR v_from IN {workload.first}..{workload.last} BY {workload.by} LOOP
    v_to := v_from + {workload.by - 1};
    {BULK[workload.kind]}{write(workload.kind) if callable(write) else write}
END LOOP;"""


def _entries_by_row(kind: str) -> str:
    return f"""
    FOR v_row IN {_read(kind)} LOOP
        INSERT INTO audit.entry {COLUMNS}
        VALUES ({_contact(kind, "v_row", "v_row.old_row", "v_row.new_row")});
    END LOOP;"""


def _entries_by_set(kind: str) -> str:
    return f"""
    INSERT INTO audit.entry {COLUMNS}
    SELECT {_contact(kind, "r", "r.old_row", "r.new_row")}
    FROM ({_read(kind)}) AS r;"""


def _read(kind: str) -> str:
    return f"SELECT n.id, n.name, {READ[kind]}\n        WHERE n.id BETWEEN v_from AND v_to"


def _contact(operation: str, row: str, old: str, new: str) -> str:
    return CONTACT.format(operation=operation, row=row, old=old, new=new)


def _values(kind: str) -> str:
    if kind == "deal":
        return DEAL
    old = "NULL" if kind == "INSERT" else "to_jsonb(v_old)"
    new = "NULL" if kind == "DELETE" else "to_jsonb(v_new)"
    return _contact(kind, "v_old" if kind == "DELETE" else "v_new", old, new)


@dataclass(frozen=True)
class Size:
    """How much of everything is measured."""

    rows: int
    singles: int
    bulk: int
    scales: tuple[int, ...]
    rounds: int
    bulk_rounds: int


FULL = Size(1_000_000, 2_000, 100_000, (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000), 11, 3)
QUICK = Size(20_000, 500, 10_000, (1, 10, 100, 1_000, 10_000), 4, 1)
SMALLEST = 1_000
"""Rows in all that a statement of few rows is repeated for."""
CHANGES: tuple[Operation, ...] = ("INSERT", "UPDATE", "DELETE")


def singles(size: Size) -> list[Workload]:
    """Return what is done row by row, in an order that leaves the table as it was."""
    rows = size.singles
    return [
        *(Workload(f"{kind} of a row", kind, rows, GAP + 1) for kind in CHANGES),
        *(Workload(f"{kind} and COMMIT", kind, rows, GAP + 1, commits=True) for kind in CHANGES),
        Workload("UPDATE of nothing", "no-op", rows),
        Workload("UPDATE of an ignored column", "ignored", rows),
    ]


def labelled(size: Size) -> Workload:
    """Return the update of a part with two references."""
    return Workload("UPDATE with 3 names looked up", "deal", size.singles)


def bulk(size: Size) -> list[Workload]:
    """Return the statements for many rows, in an order that leaves the table as it was."""
    rows = size.bulk
    return [Workload(f"{kind} of {rows:,}", kind, rows, GAP + 1, by=rows) for kind in CHANGES]


def scales(size: Size) -> list[Workload]:
    """Return updates by more and more rows, for a connection that has updated one row before."""
    return [
        Workload(f"UPDATE by {by:,} rows", "UPDATE", max(by, SMALLEST), by=by, is_scale=True)
        for by in size.scales
    ]
