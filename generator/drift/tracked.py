"""What must hold for a tracked table, and for those that are not tracked any more.

Knows how a table's triggers, function and words belong together; others compare each of them.
"""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace

from generator.config import Config, TrackedTable
from generator.drift.differences import compare, compare_trigger, drop_trigger
from generator.drift.finding import PSQL, Finding
from generator.drift.objects import AUDIT, ENTRY, Objects, Trigger, in_sql, named, written
from generator.drift.words import TABLE, Words, compare_words
from generator.names import TableName
from generator.quoting import qualified

AllWords = Mapping[TableName, Words] | None

CAPTURE = named("function", "capture_")


def compare_table(
    tracked: TrackedTable, declared: Objects, installed: Objects, words: AllWords
) -> Iterator[Finding]:
    """Yield how the tracking of a table differs from what audit.toml says."""
    rendered = f"pgwitness render --table {shlex.quote(str(tracked.name))}"
    again = f"apply the migrations; where they are: {rendered} | {PSQL} -"
    if not is_installed(declared, installed):
        yield Finding("missing", f"table {tracked.name}", "is not tracked", again)
        return
    yield from compare(declared, installed, again)
    yield from _compare_others(tracked, declared, installed, again)
    if words is not None:
        yield from compare_words(tracked, words, again)


def is_installed(declared: Objects, installed: Objects) -> bool:
    """Say whether a table was tracked at all."""
    return bool(
        declared.owners.keys() & installed.owners.keys()
        or declared.triggers.keys() & installed.triggers.keys()
    )


def find_orphans(config: Config, installed: Objects, words: AllWords) -> Iterator[Finding]:
    """Yield what is left of tables that audit.toml does not name."""
    names = {tracked.name for tracked in config.tables}
    functions = {named("function", name.capture_function) for name in names}
    for trigger in installed.triggers.values():
        if _is_ours(trigger) and not names & {trigger.table, trigger.root}:
            what = "its table is not in audit.toml"
            fix = "apply the migration that untracks it; or name it there, where it was renamed"
            yield Finding("orphan", trigger.object, what, fix)
    for routine in installed.routines:
        if routine.object.startswith(CAPTURE) and routine.object not in functions:
            what = "captures no table of audit.toml"
            by_hand = f"DROP {in_sql(routine.object)}"
            fix = f"apply the migration that untracks its table; by hand: {by_hand}"
            yield Finding("orphan", routine.object, what, fix)
    for name in sorted((words or {}).keys() - names - {ENTRY}):
        what = f"{TABLE} calls it tracked, and audit.toml does not"
        fix = "pgwitness generate, and apply the migrations"
        yield Finding("orphan", f"words of {name}", what, fix)


def _compare_others(
    tracked: TrackedTable, declared: Objects, installed: Objects, again: str
) -> Iterator[Finding]:
    """Yield what is wrong with the other triggers of a table and of its partitions."""
    name = tracked.name
    for trigger in installed.triggers.values():
        if trigger.root != name or trigger.object in declared.triggers:
            continue
        root = declared.triggers.get(replace(trigger, table=name).object)
        if trigger.is_clone and root:
            # What is wrong with the root's trigger is wrong with its clones, and has been said.
            if installed.triggers[root.object].fires == root.fires:
                clone = replace(root, table=trigger.table)
                yield from compare_trigger(clone, trigger, again, is_clone=True)
        elif _is_ours(trigger):
            yield drop_trigger(trigger, "is none of those that track its table")
        elif trigger.is_early and trigger.level == tracked.capture and not trigger.is_clone:
            what = "fires before ours: what it writes comes before its cause in the log"
            fix = f"ALTER TRIGGER {written(trigger.name)} ON {qualified(trigger.table)} RENAME TO …"
            yield Finding("conflict", trigger.object, what, fix)


def _is_ours(trigger: Trigger) -> bool:
    """Say whether a trigger is there for the log: by its name, or by what it calls."""
    is_named = trigger.name.startswith("!audit_")
    calls_ours = f"EXECUTE FUNCTION {AUDIT}." in trigger.definition
    is_on_ours = trigger.root.schema == AUDIT
    return (is_named or calls_ours) and not is_on_ours and not trigger.is_clone
