"""What is left of a bank after its server was killed: whether log and tables tell the same."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields

import psycopg

from tests.crash.bank import ACCOUNTS
from tests.crash.server import Server
from tests.replay.fold import Entry, Keys, Rows, fold
from tests.shop import AUDITOR, Connection

ENTRIES = """
SELECT id, transaction_id::text::bigint, operation, table_name, old_row::text, new_row::text
FROM audit.entry ORDER BY id
"""
ROWS = """
SELECT 'token', to_jsonb(t.*)::text FROM bank.token AS t
UNION ALL
SELECT 'account', to_jsonb(a.*)::text FROM bank.account AS a
"""
WHO = """
SELECT count(*) FROM audit.entry WHERE actor_bound IS NOT TRUE
    OR table_name = 'token' AND actor IS DISTINCT FROM new_row ->> 'actor'
"""
WHOLE = Counter([("INSERT", "token"), ("UPDATE", "account"), ("UPDATE", "account")])

KEYS = Keys({"account": ("id",)})


@dataclass(frozen=True)
class Verdict:
    """Counts of what must not be; ``lost`` are commits that were acknowledged and are not there.

    ``versions_without_entry`` is by how much accounts were written more often than the log says,
    ``misfolded`` how many rows differ from what the log replays to, ``torn`` how many transactions
    have other entries than those of a transfer, ``of_another`` how many entries name another actor.
    """

    lost: int
    rows_without_entry: int
    entries_without_row: int
    rolled_back_present: int
    versions_without_entry: int
    misfolded: int
    torn: int
    of_another: int
    ids_twice: int
    imbalance: int


CLEAN = Verdict(**{field.name: 0 for field in fields(Verdict)})


def settle(server: Server, name: str = "bank") -> int:
    """Commit what was left prepared, and return how many those were."""
    with psycopg.connect(server.conninfo(name), autocommit=True) as superuser:
        left = superuser.execute("SELECT gid FROM pg_prepared_xacts").fetchall()
        for (gid,) in left:
            superuser.execute(f"COMMIT PREPARED '{gid}'".encode())
    return len(left)


def judge_bank(server: Server, acknowledged: Iterable[str], name: str = "bank") -> Verdict:
    """Compare the bank's log with its tables, as one who may only read."""
    with psycopg.connect(server.conninfo(name, AUDITOR)) as auditor:
        return judge(auditor, acknowledged)


def judge(auditor: Connection, acknowledged: Iterable[str]) -> Verdict:
    """Compare what a transaction sees of the bank's log with what it sees of its tables."""
    entries = [Entry(*row) for row in auditor.execute(ENTRIES)]
    rows = _rows(auditor)
    logged = Counter(entry.new or "" for entry in entries if entry.operation == "INSERT")
    tokens = {name for (name,) in auditor.execute("SELECT id FROM bank.token")}
    versions, imbalance = _one(auditor, "SELECT sum(version), sum(balance) FROM bank.account")
    transactions: dict[int, Counter[tuple[str, str]]] = {}
    for entry in entries:
        kinds = transactions.setdefault(entry.transaction, Counter())
        kinds[entry.operation, entry.table] += 1
    return Verdict(
        lost=len(set(acknowledged) - tokens),
        rows_without_entry=(rows["token"] - logged).total(),
        entries_without_row=(logged - rows["token"]).total(),
        rolled_back_present=sum("undone" in f"{entry.old}{entry.new}" for entry in entries)
        + sum("undone" in token for token in tokens),
        versions_without_entry=abs(versions - sum(e.operation == "UPDATE" for e in entries)),
        misfolded=_misfolded(rows, entries),
        torn=sum(kinds != WHOLE for kinds in transactions.values()),
        of_another=_one(auditor, WHO)[0],
        ids_twice=len(entries) - len({entry.id for entry in entries}),
        imbalance=abs(imbalance),
    )


def _misfolded(rows: Rows, entries: list[Entry]) -> int:
    opening = (f'{{"id": {n}, "balance": 0, "version": 0}}' for n in range(1, ACCOUNTS + 1))
    accounts = [entry for entry in entries if entry.table == "account"]
    folded, found = fold({"account": Counter(opening)}, accounts, KEYS)
    # Tokens are only ever added. Folding looks at all rows of a table for each transaction.
    folded["token"] = Counter(entry.new or "" for entry in entries if entry.table == "token")
    differences = ((rows[t] - folded[t]) + (folded[t] - rows[t]) for t in rows)
    return len(found) + sum(each.total() for each in differences)


def _rows(auditor: Connection) -> Rows:
    rows: Rows = {"token": Counter(), "account": Counter()}
    for name, row in auditor.execute(ROWS):
        rows[name][row] += 1
    return rows


def _one(auditor: Connection, query: str) -> tuple[int, ...]:
    (row,) = auditor.execute(query.encode()).fetchall()
    return tuple(row)
