"""The folder of migrations: what its files leave tracked, and the new ones that a config needs.

Appends only: a file that is there may be applied somewhere, so it is never touched.
"""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from generator.config import Config, ConfigError
from generator.names import TableName, parse_table_name
from generator.render import (
    render_audit_schema,
    render_audit_schema_rollback,
    render_track,
    render_untrack,
)

_NUMBER = re.compile(r"[0-9]+")
_AUDIT_SCHEMA = re.compile(r"[0-9]+_audit_schema\.sql")
_NAME = r'"(?:[^"]|"")+"'
_HEADER = re.compile(rf"-- (Tracks|Stops tracking) ({_NAME}\.{_NAME})\.\n")
_NAME_BYTES = 120
_LEAST_DIGITS = 4


@dataclass(frozen=True)
class Migration:
    """A migration to write: its verb and subject, its SQL, and what takes it back."""

    verb: str
    subject: str
    sql: str
    rollback: str
    before: str = ""

    def __str__(self) -> str:
        """Return that it is needed, with what it changes below."""
        verb = self.verb or "install"
        line = f"migrations: {self.subject} – needs a migration ({verb}) – run: pgwitness generate"
        return f"{line}\n{self.diff}" if self.before else line

    @property
    def diff(self) -> str:
        """What the migration changes in the SQL that is in force, as a unified diff."""
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True),
            self.sql.splitlines(keepends=True),
            f"{self.subject} in the migrations",
            f"{self.subject} by audit.toml",
        )
        return "".join(lines)


def plan(config: Config) -> list[Migration]:
    """Return the migrations that bring the folder in line with the config, in order."""
    return [*_plan_schema(config.migrations), *_plan_tables(config)]


def write(folder: Path, migrations: list[Migration]) -> list[Path]:
    """Write migrations with their rollbacks under the next numbers, and return their paths.

    Raises ConfigError where they would not be the last that yoyo applies, and OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    numbers = [match[0] for path in _files(folder) if (match := _NUMBER.match(path.name))]
    digits = max(_LEAST_DIGITS, *map(len, numbers)) if numbers else _LEAST_DIGITS
    first = max(map(int, numbers), default=0) + 1
    stems = [
        f"{number:0{digits}}_{_file_name(migration)}"
        for number, migration in enumerate(migrations, start=first)
    ]
    _check_order(folder, stems)
    for stem, migration in zip(stems, migrations, strict=True):
        _write_new(folder / f"{stem}.rollback.sql", migration.rollback)
        _write_new(folder / f"{stem}.sql", migration.sql)
    return [folder / f"{stem}.sql" for stem in stems]


def tracked_tables(folder: Path) -> dict[TableName, str]:
    """Return the tables that the files of a folder leave tracked, each with its SQL in force."""
    tracked: dict[TableName, str] = {}
    for path in _sql_migrations(folder):
        sql = _read(path)
        header = _HEADER.match(sql)
        if header is None:
            continue
        name = parse_table_name(header[2])
        tracked.pop(name, None)
        if header[1] == "Tracks":
            tracked[name] = sql
    return tracked


def _plan_schema(folder: Path) -> Iterator[Migration]:
    wanted = render_audit_schema()
    found = [path for path in _sql_migrations(folder) if _AUDIT_SCHEMA.fullmatch(path.name)]
    before = _read(found[-1]) if found else ""
    if before != wanted:
        rollback = before or render_audit_schema_rollback()
        yield Migration("", "audit_schema", wanted, rollback, before)


def _plan_tables(config: Config) -> Iterator[Migration]:
    tracked = tracked_tables(config.migrations)
    for table in config.tables:
        wanted = render_track(table)
        before = tracked.pop(table.name, "")
        if before != wanted:
            verb = "retrack" if before else "track"
            rollback = before or render_untrack(table.name)
            yield Migration(verb, str(table.name), wanted, rollback, before)
    # Last: a renamed table still has the triggers of its former name until it is tracked anew.
    for name, before in tracked.items():
        yield Migration("untrack", str(name), render_untrack(name), before, before)


def _files(folder: Path) -> list[Path]:
    """Return the migrations of a folder and their rollbacks in the order in which yoyo goes.

    Leaves out what is no step on the way: yoyo's hooks, which run after all, and its drafts.
    """
    return [
        path
        for path in sorted(folder.glob("*"))
        if path.suffix in (".sql", ".py") and not path.name.startswith(("post-apply", "_"))
    ]


def _sql_migrations(folder: Path) -> list[Path]:
    files = (path for path in _files(folder) if path.suffix == ".sql")
    return [path for path in files if not path.name.endswith(".rollback.sql")]


def _check_order(folder: Path, stems: list[str]) -> None:
    """Refuse to write what yoyo, which goes by name, would apply before what is there."""
    names = [path.name for path in _files(folder)]
    if stems and names and names[-1] > stems[0]:
        raise ConfigError(
            [
                f'{folder}: "{names[-1]}" would be applied after "{stems[0]}.sql", since yoyo '
                'goes by name – give "migrations" a folder of its own, and apply it last'
            ]
        )


def _file_name(migration: Migration) -> str:
    words = re.sub(r"[^\w]+", "_", f"{migration.verb}_{migration.subject}").strip("_")
    return words.encode()[:_NAME_BYTES].decode(errors="ignore")


def _read(path: Path) -> str:
    """Return a migration's text. What is not UTF-8 is not ours, and yoyo will say so."""
    return path.read_text("utf-8", errors="replace")


def _write_new(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)
