"""Computes again all that was sealed, and says what is not as it was.

Reads as a member of audit_reader, in steps that keep nobody waiting for long.
"""

import json
from collections.abc import Sequence
from typing import Any, LiteralString

from generator.access import require_member
from generator.anchors.anchor import Anchor
from generator.database import Connection, rows
from generator.seals.anchoring import judge_anchors, ours
from generator.seals.chain import Chain, judge_chain
from generator.seals.comparing import Tell, compare_entries
from generator.seals.days import judge_days
from generator.seals.finding import ACKNOWLEDGE, CHAIN, Finding, Findings, Report, Unsealed
from generator.seals.reading import step
from generator.seals.tools import judge_tools
from generator.wording import count


def verify(
    connection: Connection,
    anchors: Sequence[Anchor] | None = None,
    tell: Tell = lambda line: None,
) -> Report:
    """Compare the log with its seals, and these with anchors where there are any.

    The connection must not be in a transaction that has read already. Anchors of other logs are
    left out. Raises ConfigError where all are of others, and where the log can't be read.
    """
    found = Findings()
    require_member(connection)
    with step(connection):
        kept = ours(connection, anchors or ())
        judge_tools(connection, found)
        chain = judge_chain(connection, found)
    compared = compare_entries(connection, chain, found, tell)
    with step(connection):
        judge_days(connection, chain, found)
        [last] = rows(connection, _LAST)
        if not last.number:
            found.note("nothing is sealed yet, so nothing is proven: run pgwitness seal")
        unsealed = _judge_unsealed(connection, chain, last, found)
        proven = judge_anchors(connection, chain, last.number, kept, found)
    return Report(
        entries=compared,
        seals=last.number,
        head=last.head,
        unsealed=unsealed,
        findings=tuple(found.kept),
        notes=tuple(found.notes),
        more=found.more,
        anchors=None if anchors is None else len(kept),
        proven=proven,
    )


def record(connection: Connection, report: Report) -> None:
    """Write down what was found, where the connected role may act as the owner of the log."""
    with connection.transaction():
        if rows(connection, _MAY_RECORD)[0].may_record:
            connection.execute("SET LOCAL ROLE audit_owner")
            found = [
                {"state": f.state, "object": f.object, "what": f.what, "seal": f.seal, "id": f.id}
                for f in report.findings
            ]
            values = [report.seals, report.head, report.entries, report.anchors, json.dumps(found)]
            connection.execute(_RECORD, values)


def _judge_unsealed(connection: Connection, chain: Chain, last: Any, found: Findings) -> Unsealed:
    [row] = rows(connection, _UNSEALED)
    if last.number and last.identity != last.is_identity and last.number not in chain.broken:
        what = f"seals are of {last.identity}, and this is {last.is_identity}: system identifier,"
        what += " timeline and oid. It was restored or promoted, and nobody acknowledged that"
        found.add(Finding("restored", "this database", what, ACKNOWLEDGE, last.number))
    else:
        _judge_future(connection, chain, last, found)
    if last.is_set_back and last.number not in chain.broken:
        what = f"were set back: what has one up to {last.after_id}, and is newer, is in no seal"
        found.add(Finding("restored", "the ids of entries", what, ACKNOWLEDGE, last.number))
    if row.early:
        how = "a clock was set back, or they were written by hand"
        found.note(f"unsealed entries that are older than their transaction: {row.early:,} – {how}")
    for late in rows(connection, _LATE, broken=[*chain.broken, *chain.unproven]):
        held = f"{count(late.entries, 'entry')} of {late.day}"
        what = f"seal {late.seal} holds {held}, though seals before"
        why = "a transaction was open that long, a clock was set back, or they were made by hand"
        found.note(f"{what} had later days: {why}")
    held_by: list[str] = []
    if row.is_held:
        unseen = "a transaction that only a member of pg_read_all_stats sees"
        held_by = [held.by for held in rows(connection, _HOLDERS)] or [unseen]
    if row.is_left and last.number:
        found.note("nobody has sealed for more than an hour: run pgwitness seal")
    return Unsealed(row.entries, row.since, tuple(held_by))


def _judge_future(connection: Connection, chain: Chain, last: Any, found: Findings) -> None:
    if last.is_ahead and last.number not in chain.broken:
        what = "covers transactions that have not begun: it was not made by sealing"
        found.add(Finding("rewritten", f"seal {last.number}", what, CHAIN, last.number))
    named = {finding.id for finding in found.kept}
    for entry in (entry for entry in rows(connection, _FUTURE) if entry.id not in named):
        what = f"names transaction {entry.transaction_id}, which has not begun"
        what += f" ({entry.name}, {entry.occurred_at})"
        found.add(Finding("forged", f"entry {entry.id}", what, CHAIN, None, entry.id))


_LAST: LiteralString = """
SELECT coalesce(s.number, 0) AS number, s.identity, audit._identity() AS is_identity,
       coalesce(encode(s.head, 'hex'), '') AS head,
       coalesce(s.below > pg_snapshot_xmax(pg_current_snapshot()), false) AS is_ahead,
       s.after_id, coalesce(audit._is_set_back(s.after_id), false) AS is_set_back
FROM (SELECT) AS nothing
     LEFT JOIN (SELECT * FROM audit.seal ORDER BY number DESC LIMIT 1) AS s ON true
"""
_UNSEALED: LiteralString = """
SELECT count(*) AS entries, date_trunc('second', min(e.occurred_at))::text AS since,
       count(*) FILTER (WHERE e.occurred_at < e.transaction_at) AS early,
       coalesce(bool_or(o.is_old AND e.transaction_id >= o.horizon), false) AS is_held,
       coalesce(bool_or(o.is_old AND e.transaction_id < o.horizon), false) AS is_left
FROM audit.entry AS e,
     LATERAL (SELECT e.occurred_at < clock_timestamp() - interval '1 hour' AS is_old,
                     pg_snapshot_xmin(pg_current_snapshot()) AS horizon) AS o
WHERE e.transaction_id >= coalesce(
          (SELECT s.below FROM audit.seal AS s ORDER BY s.number DESC LIMIT 1), '0')
  AND e.id > coalesce(
          (SELECT s.after_id FROM audit.seal AS s ORDER BY s.number DESC LIMIT 1),
          -9223372036854775808)
"""
# What this transaction wrote itself is there, too.
_FUTURE: LiteralString = """
SELECT e.id, e.occurred_at::text, e.transaction_id::text,
       e.table_schema || '.' || e.table_name AS name
FROM audit.entry AS e
WHERE e.transaction_id >= pg_snapshot_xmax(pg_current_snapshot())
  AND e.transaction_id <> coalesce(pg_current_xact_id_if_assigned(), '0')
  AND e.id > coalesce(
          (SELECT s.after_id FROM audit.seal AS s ORDER BY s.number DESC LIMIT 1),
          -9223372036854775808)
ORDER BY e.id
LIMIT 1000
"""
_LATE: LiteralString = """
SELECT d.seal, d.entries, to_char(d.starts_at, 'YYYY-MM-DD') AS day
FROM (
    SELECT b.seal, b.partition_from AS starts_at, sum(b.entries)::bigint AS entries,
           max(max(b.partition_from)) OVER (
               ORDER BY b.seal RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS latest
    FROM audit.seal_block AS b
    GROUP BY b.seal, b.partition_from
) AS d
     JOIN audit.seal AS s ON s.number = d.seal
WHERE d.starts_at < d.latest - interval '1 day'
  AND s.kind = 'entries'
  AND d.seal <> ALL (%(broken)s::bigint[])
ORDER BY d.seal
LIMIT 20
"""
_HOLDERS: LiteralString = """
SELECT h.by
FROM (
    SELECT age(a.backend_xid) AS age,
           format('pid %%s (%%s)', a.pid, concat_ws(', ', a.datname, a.usename,
                  nullif(a.application_name, ''), a.state,
                  'since ' || date_trunc('second', a.xact_start))) AS by
    FROM pg_stat_activity AS a
    WHERE a.backend_xid IS NOT NULL AND a.pid <> pg_backend_pid()
    UNION ALL
    SELECT age(p.transaction),
           format('prepared transaction %%L (%%s, since %%s)', p.gid,
                  concat_ws(', ', p.database, p.owner), date_trunc('second', p.prepared))
    FROM pg_prepared_xacts AS p
) AS h
ORDER BY h.age DESC
LIMIT 3
"""
# Not on a standby.
_MAY_RECORD: LiteralString = """
SELECT pg_has_role('audit_owner', 'MEMBER')
       AND current_setting('transaction_read_only') = 'off' AS may_record
"""
_RECORD: LiteralString = """
INSERT INTO audit.verification (up_to, head, entries, anchors, findings)
VALUES (%s, decode(%s, 'hex'), %s, %s, %s)
"""
