"""Compares declared objects with installed ones: the rules that hold for each of them alike.

Knows no database and no config; what else must hold for a table or partition, others know.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from generator.drift.finding import Finding, difference, one_line
from generator.drift.objects import (
    AUDIT,
    Grant,
    Objects,
    Piece,
    Routine,
    Trigger,
    in_sql,
    named,
    written,
)
from generator.drift.statements import same_meaning
from generator.quoting import qualified

_OWNER_OF_ALL = "audit_owner"
_FIRES = {
    "D": "is disabled",
    "O": "does not fire for what replication applies",
    "R": "fires for what replication applies alone",
}


def compare(declared: Objects, installed: Objects, again: str) -> Iterator[Finding]:
    """Yield what is missing, changed or disabled, and what was added to declared tables.

    *again* says how to run the SQL again that declares them.
    """
    for name in declared.owners:
        if name not in installed.owners:
            yield Finding("missing", name, "is not there", again)
    yield from _compare_owners(declared, installed)
    yield from _compare_grants(declared, installed)
    yield from _compare_routines(declared, installed, again)
    yield from _compare_pieces(declared, installed, again)
    for trigger in declared.triggers.values():
        if _is_here(trigger, declared, installed):
            yield from compare_trigger(trigger, installed.triggers.get(trigger.object), again)
    yield from _find_additions(declared, installed)


def find_strangers(declared: Objects, installed: Objects, ours: str) -> Iterator[Finding]:
    """Yield routines of schema audit that nothing declares, less those named like *ours*.

    They could lend the rights of the log's owner to anybody.
    """
    for name, owner in installed.owners.items():
        is_routine = name.startswith((named("function", ""), named("procedure", "")))
        is_ours = name in declared.owners or name.replace('"', "").startswith(ours)
        if is_routine and not is_ours:
            what = f"is none of this version's, and belongs to {written(owner)}"
            yield Finding("orphan", name, what, f"DROP {name}")


def with_versions(findings: Iterable[Finding], installed: Objects) -> Iterator[Finding]:
    """Yield findings with the version of what they are about, where it is there."""
    for finding in findings:
        is_there = finding.version is None and finding.state in ("changed", "disabled", "orphan")
        version = installed.versions.get(finding.object) if is_there else finding.version
        yield replace(finding, version=version)


def compare_trigger(
    trigger: Trigger, found: Trigger | None, again: str, *, is_clone: bool = False
) -> Iterator[Finding]:
    """Yield how a trigger differs from the declared one. A clone is what its root's trigger is."""
    if found is None:
        yield Finding("missing", trigger.object, "is not there", again)
        return
    if not is_clone and not same_meaning(trigger.definition, found.definition):
        diff = difference(one_line(trigger.definition), one_line(found.definition))
        yield Finding("changed", trigger.object, "is defined differently", again, diff)
    if found.fires not in (trigger.fires, "A"):
        how = "ENABLE ALWAYS" if trigger.fires == "A" else "ENABLE"
        fix = f"ALTER TABLE {qualified(trigger.table)} {how} TRIGGER {written(trigger.name)}"
        yield Finding("disabled", trigger.object, _FIRES[found.fires], fix)


def drop_trigger(trigger: Trigger, what: str) -> Finding:
    """Return the finding that a trigger should not be."""
    fix = f"DROP TRIGGER {written(trigger.name)} ON {qualified(trigger.table)}"
    return Finding("orphan", trigger.object, what, fix)


def _compare_owners(declared: Objects, installed: Objects) -> Iterator[Finding]:
    for name, owner in declared.owners.items():
        found = installed.owners.get(name, owner)
        if found != owner:
            what = f"belongs to {written(found)} instead of {owner}"
            yield Finding("changed", name, what, _give(name, owner))


def _give(name: str, owner: str) -> str:
    give = f"ALTER {in_sql(name)} OWNER TO {owner}"
    if owner == _OWNER_OF_ALL:
        return give
    # Who is no superuser may only give it to a role that could have created it there.
    schema = f"ON SCHEMA {AUDIT}"
    return f"GRANT CREATE {schema} TO {owner}; {give}; REVOKE CREATE {schema} FROM {owner}"


def _compare_grants(declared: Objects, installed: Objects) -> Iterator[Finding]:
    missing = [g for g in declared.grants - installed.grants if g.object in installed.owners]
    for name, grantee, privileges, _ in _by_grantee(missing):
        fix = f"GRANT {privileges} ON {in_sql(name)} TO {grantee}"
        yield Finding("missing", name, f"{grantee} has no {privileges}", fix)
    excess = [
        grant
        for grant in installed.grants - declared.grants
        if grant.object in declared.owners and not _is_harmless(grant)
    ]
    yield from find_excess(excess)


def find_excess(grants: list[Grant]) -> Iterator[Finding]:
    """Yield one finding for all that a role has been granted on an object."""
    for name, grantee, privileges, version in _by_grantee(grants):
        fix = f"REVOKE {privileges} ON {in_sql(name)} FROM {written(grantee)}"
        what = f"{written(grantee)} has {privileges}"
        yield Finding("changed", name, what, fix, version=version)


def _by_grantee(grants: list[Grant]) -> Iterator[tuple[str, str, str, int | None]]:
    """Yield each object and role, with all privileges of the role on it, and a version."""
    for name, grantee in sorted({(grant.object, grant.grantee) for grant in grants}):
        found = sorted(g for g in grants if (g.object, g.grantee) == (name, grantee))
        yield name, grantee, ", ".join(grant.privilege for grant in found), found[0].version


def _is_harmless(grant: Grant) -> bool:
    """Say whether an application may have been granted this: to say who acts, and no more."""
    is_for_callers = grant.object == named("schema", None) and grant.privilege == "USAGE"
    is_for_callers |= grant.object == named("function", "set_context")
    return is_for_callers and grant.grantee != "public"


def _compare_routines(declared: Objects, installed: Objects, again: str) -> Iterator[Finding]:
    wanted = {routine.object: routine for routine in declared.routines}
    for found in installed.routines:
        routine = wanted.get(found.object, found)
        if found != routine:
            yield Finding(
                "changed",
                found.object,
                _what_differs(routine, found),
                again,
                difference(_as_text(routine), _as_text(found)),
            )


def _what_differs(declared: Routine, installed: Routine) -> str:
    body = "has another body" if installed.body != declared.body else ""
    header = "runs in another way" if installed.header != declared.header else ""
    return " and ".join(part for part in (body, header) if part)


def _as_text(routine: Routine) -> str:
    return "\n".join(routine.header) + routine.body


def _compare_pieces(declared: Objects, installed: Objects, again: str) -> Iterator[Finding]:
    for name, piece in declared.pieces.items():
        found = installed.pieces.get(name)
        if piece.table not in installed.owners:
            continue
        if found is None:
            yield Finding("missing", name, "is not there", _add(piece, again))
        elif not same_meaning(piece.definition, found.definition):
            fix = _mend(piece, again)
            diff = difference(one_line(piece.definition), one_line(found.definition))
            yield Finding("changed", name, "is defined differently", fix, diff)
    for table in sorted(declared.secured - installed.secured):
        if table in installed.owners:
            fix = f"ALTER {in_sql(table)} ENABLE ROW LEVEL SECURITY"
            yield Finding("disabled", table, "row level security is off", fix)


def _mend(piece: Piece, again: str) -> str:
    if piece.kind == "sequence":
        return f"ALTER {in_sql(piece.table)} {one_line(piece.definition)}"
    return again if piece.kind == "policy" else "make it again what it was, by hand"


def _add(piece: Piece, again: str) -> str:
    if piece.kind not in ("column", "constraint"):
        return again
    what = f"{piece.kind.upper()} {written(piece.name)} {one_line(piece.definition)}"
    return f"ALTER {in_sql(piece.table)} ADD {what}"


def _is_here(trigger: Trigger, declared: Objects, installed: Objects) -> bool:
    """Say whether the trigger's table is there: one of the user's is, or nobody would ask."""
    table = named("table", trigger.table.table)
    return table not in declared.owners or table in installed.owners


def _find_additions(declared: Objects, installed: Objects) -> Iterator[Finding]:
    """Yield what was added to a declared table and could keep entries out of it, or let some in.

    What an added column holds is in no seal, and its default runs as who writes.
    """
    drop = {
        "column": "ALTER TABLE {table} DROP COLUMN {name}",
        "constraint": "ALTER TABLE {table} DROP CONSTRAINT {name}",
        "policy": "DROP POLICY {name} ON {table}",
        "rule": "DROP RULE {name} ON {table}",
    }
    for piece in installed.pieces.values():
        is_added = piece.table in declared.owners and piece.object not in declared.pieces
        if is_added and piece.kind in drop:
            table, name = piece.table.removeprefix("table "), written(piece.name)
            fix = drop[piece.kind].format(table=table, name=name)
            yield Finding("orphan", piece.object, f"is {piece.definition}", fix)
    for trigger in installed.triggers.values():
        is_on_ours = trigger.table.schema == AUDIT
        is_on_ours &= named("table", trigger.table.table) in declared.owners
        if is_on_ours and trigger.object not in declared.triggers:
            yield drop_trigger(trigger, f"is {trigger.definition}")
