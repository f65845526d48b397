"""What rendered SQL declares: the source of truth that a database is compared with.

Knows the statements that sql/ is written in; a new kind of statement there needs one here.
"""

from collections.abc import Iterable, Iterator
from functools import cache

from generator.drift.objects import AUDIT, Grant, Objects, Piece, Routine, Trigger, named
from generator.drift.statements import Statement, read_statements, unqualified
from generator.names import TableName


@cache
def read_declared(sql: str) -> Objects:
    """Return the objects that a rendered script installs."""
    statements = list(read_statements(sql))
    pieces = [piece for statement in statements for piece in _pieces(statement)]
    triggers = list(_triggers(statements))
    return Objects(
        owners={name: owner for s in statements for name, owner in _owner(s)},
        routines=tuple(routine for s in statements for routine in _routine(s)),
        pieces={piece.object: piece for piece in pieces},
        triggers={trigger.object: trigger for trigger in triggers},
        grants=_grants(statements),
        secured=frozenset(table for s in statements for table in _secured(s)),
    )


def _owner(statement: Statement) -> Iterator[tuple[str, str]]:
    match statement.words:
        case ["create", "schema", schema, "authorization", owner] if schema == AUDIT:
            yield named("schema", None), owner
        case ["create", "sequence" | "table" | "function" | "procedure" as kind, _, ".", name, *_]:
            yield named(kind, name), statement.role
        case ["create", "view", _, ".", name, *_]:
            # What ALTER and GRANT say of a table, they say of a view.
            yield named("table", name), statement.role


def _routine(statement: Statement) -> Iterator[Routine]:
    match statement.words:
        case ["create", "function" | "procedure" as kind, _, ".", name, *_, "as", body]:
            yield Routine(named(kind, name), _header(statement.words), body.removeprefix("'"))


def _header(words: list[str]) -> tuple[str, ...]:
    """Return what comes between a routine's name and its body, as the catalogue has it."""
    clauses = words[words.index("language") : -2]
    settings = [at for at, word in enumerate(clauses) if word == "set"]
    header = clauses[: settings[0]] if settings else clauses
    volatility = [word for word in header if word in ("immutable", "stable")]
    return (
        " ".join(words[5 : words.index("language")]),
        f"language {header[1]}",
        *(volatility or ["volatile"]),
        *(["strict"] if "strict" in header else []),
        "security definer" if "definer" in header else "security invoker",
        *sorted(
            _setting(clauses[at:end])
            for at, end in zip(settings, [*settings[1:], None], strict=True)
        ),
    )


def _setting(words: list[str]) -> str:
    value = " ".join(word.removeprefix("'") for word in words[3:])
    return f"set {words[1]} = {value.replace(' ,', ',')}"


def _pieces(statement: Statement) -> Iterator[Piece]:
    match statement.words:
        case ["create", "table", _, ".", table, "(", *_]:
            for first, end in _items(statement.words):
                kind = "constraint" if statement.words[first] == "constraint" else "column"
                at = first + 1 if kind == "constraint" else first
                definition = statement.text(at + 1, end)
                yield Piece(kind, statement.words[at], named("table", table), definition)
        case ["create", "sequence", _, ".", name, *_]:
            yield Piece("sequence", name, named("sequence", name), statement.text(5))
        case ["create", "view", _, ".", view, "as", *_]:
            yield Piece("view", view, named("table", view), unqualified(statement.text(6)))
        case ["create", "index" | "policy" as kind, name, "on", _, ".", table, *_]:
            yield Piece(kind, name, named("table", table), statement.text(7))


def _items(words: list[str]) -> Iterator[tuple[int, int]]:
    """Yield where each column and constraint of CREATE TABLE begins and ends."""
    depth, first = 0, words.index("(") + 1
    for at, word in enumerate(words):
        depth += (word == "(") - (word == ")")
        if (depth == 1 and word == ",") or (depth == 0 and word == ")"):
            yield first, at
            first = at + 1
        if depth == 0 and word == ")":
            return


def _triggers(statements: Iterable[Statement]) -> Iterator[Trigger]:
    always: set[str] = set()
    for statement in statements:
        match statement.words:
            case ["alter", "table", _, ".", _, "enable", "always", "trigger", *_]:
                always.update(statement.words[8::5])
    for statement in statements:
        match statement.words:
            case ["create", "trigger", name, *_]:
                at = statement.words.index("on", 3)
                table = TableName(statement.words[at + 1], statement.words[at + 3])
                fires = "A" if name in always else "O"
                yield Trigger(table, name, statement.text(0), fires, table)


def _grants(statements: Iterable[Statement]) -> frozenset[Grant]:
    """Return what is granted on objects of schema audit, less what is taken back later."""
    granted: set[Grant] = set()
    for statement in statements:
        match statement.words:
            case ["grant", _, "on" | "(", *_]:
                granted |= set(_granted(statement.words, "to"))
            case ["revoke", _, "on", *_]:
                granted -= set(_granted(statement.words, "from"))
    return frozenset(granted)


def _granted(words: list[str], preposition: str) -> Iterator[Grant]:
    on = words.index("on")
    privileges = [words[1].upper()]
    if on > 2:
        columns = (word for word in words[3 : on - 1] if word != ",")
        privileges = [f"{privileges[0]} ({column})" for column in columns]
    match words[on + 1 :]:
        case ["schema", schema, *_] if schema == AUDIT:
            name = named("schema", None)
        case ["sequence" | "function" | "procedure" as kind, _, ".", what, *_]:
            name = named(kind, what)
        case [schema, ".", table, *_] if schema == AUDIT:
            name = named("table", table)
        case _:
            return
    grantees = words[len(words) - words[::-1].index(preposition) :]
    for grantee in grantees:
        if grantee != ",":
            yield from (Grant(name, privilege, grantee) for privilege in privileges)


def _secured(statement: Statement) -> Iterator[str]:
    match statement.words:
        case ["alter", "table", _, ".", table, "enable", "row", "level", "security"]:
            yield named("table", table)
