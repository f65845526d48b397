"""Typed access to the values of audit.toml; what is wrong becomes a finding, and reading goes on.

Knows how values look, not what they mean together.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from generator.names import (
    TableName,
    as_printed,
    did_you_mean,
    holds_control_character,
    identifier_problem,
    parse_table_name,
)

BODY_TAG = "$capture$"
"""The dollar quote around generated function bodies: no value may hold it."""

Toml = Mapping[str, Any]

MOST_DAYS = 36_500


class Reader:
    """Reads one document and collects findings: where – what – how to fix."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.findings: list[str] = []

    def finding(self, where: str, what: str) -> None:
        """Note what is wrong; *where* is a place inside the file, or empty."""
        finding = ": ".join(part for part in (self.file, where, what) if part)
        self.findings.append(as_printed(finding))

    def known(self, body: Toml, keys: Iterable[str], where: str) -> None:
        """Report every key that means nothing."""
        for key in (key for key in body if key not in keys):
            hint = did_you_mean(key, keys, f"known: {', '.join(keys)}")
            self.finding(where, f'unknown key "{key}" ({hint})')

    def text(self, body: Toml, key: str, where: str, example: str) -> str:
        """Return a text that must be there; an empty one after a finding."""
        return self.optional_text({key: None} | dict(body), key, where, example) or ""

    def optional_text(self, body: Toml, key: str, where: str, example: str) -> str | None:
        """Return a text, or None where the key is absent or after a finding."""
        if key not in body:
            return None
        value = body[key]
        if not isinstance(value, str) or not value.strip():
            self.finding(where, f'"{key}" must be a text, such as {key} = "{example}"')
            return None
        if holds_control_character(value):
            self.finding(where, f'"{key}" holds a control character – write it on one line')
            return None
        return self._without_tag(value, key, where)

    def days(self, body: Toml, key: str, default: int) -> int:
        """Return a number of days at the top of the file; the default after a finding."""
        value = body.get(key, default)
        if type(value) is int and 0 < value <= MOST_DAYS:
            return value
        self.finding("", f'"{key}" must be a number of days, such as {key} = {default}')
        return default

    def columns(
        self, body: Toml, key: str, where: str, default: Iterable[str] = ()
    ) -> tuple[str, ...]:
        """Return a list of column names; one name may stand alone."""
        value = body.get(key, list(default))
        listed = [value] if isinstance(value, str) else value
        return self._names(listed, key, where, 'columns, such as {} = ["id"]')

    def roles(self, body: Toml, key: str) -> tuple[str, ...]:
        """Return a list of roles at the top of the file; an empty one after a finding."""
        return self._names(body.get(key, []), key, "", 'roles, such as {} = ["ops_dba"]')

    def _names(self, value: object, key: str, where: str, what: str) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            self.finding(where, f'"{key}" must be a list of {what.format(key)}')
            return ()
        for name in value:
            self.identifier(name, f'{where}: "{key}"' if where else f'"{key}"')
        return tuple(value)

    def choice(self, body: Toml, key: str, choices: tuple[str, ...], where: str) -> str:
        """Return one of *choices*; the first where the key is absent."""
        value = body.get(key, choices[0])
        if value not in choices:
            *first, last = (f'"{choice}"' for choice in choices)
            allowed = f"{', '.join(first)} or {last}"
            self.finding(where, f'"{key}" is {value!r}, but must be {allowed}')
        return str(value)

    def mapping(self, body: Toml, key: str, where: str) -> Toml:
        """Return a table; an empty one where the key is absent or after a finding."""
        value = body.get(key, {})
        if isinstance(value, dict):
            return value
        self.finding(where, f'"{key}" must be a table, such as {key} = {{ … }}')
        return {}

    def identifier(self, name: str, where: str) -> None:
        """Report a name that can't stand in a migration as it is."""
        problem = identifier_problem(name)
        if problem:
            self.finding(where, f'the name "{name}" {problem}')
        self._without_tag(name, name, where)

    def table_name(self, written: object, where: str) -> TableName | None:
        """Return a table's name, or None after a finding."""
        try:
            name = parse_table_name(str(written))
        except ValueError:
            self.finding(
                where,
                f'"{written}" is not schema.table – write "crm.workflow", or, where a name '
                'holds a dot or a quote, \'"odd.schema"."odd table"\'',
            )
            return None
        self.identifier(name.schema, where)
        self.identifier(name.table, where)
        if name.schema in ("audit", "information_schema") or name.schema.startswith("pg_"):
            self.finding(where, f'schema "{name.schema}" can\'t be tracked – remove this table')
        return name

    def _without_tag(self, value: str, key: str, where: str) -> str:
        if BODY_TAG in value:
            self.finding(
                where, f'"{key}" holds {BODY_TAG}, which ends a generated function – reword it'
            )
        return value
