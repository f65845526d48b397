"""Values of all types, such as a column may have to take and a log may get wrong."""

from dataclasses import dataclass

VALUES: dict[str, tuple[str | None, ...]] = {
    "int": ("0", "1", "2", "3", "-2147483648"),
    "bigint": ("9007199254740993", "-1", "0"),
    "numeric": ("1.1", "1.10", "0", "0.000", "NaN", "Infinity", "-12345678901234567890.5"),
    "numeric(6,2)": ("1", "1.005", "9999.99"),
    "float8": ("0", "-0", "NaN", "-Infinity", "0.30000000000000004", "1e300"),
    "text": ("", "a", "O'Hara", '"\\', "tab\there\nline", "ünïcödé 🜁", "null", "{}", "%s $1 {x}"),
    "char(3)": ("", "a", "ab "),
    "varchar(9)[]": ("{}", "{a,NULL}", '{"",",","\\\\"}', "{{a,b},{c,d}}", "[0:1]={a,b}"),
    "int[]": ("{}", "{1,2}", "{NULL}"),
    "jsonb": ("null", "{}", '{"a": 1.10}', '{"a": 1.1}', '[1, "\\u00e4", null]', '"text"'),
    "json": ("null", '{"a": 1, "a": 2}', "[1]"),
    "{schema}.mood": ("sad", "ok", "HAPPY!"),
    "timestamptz": (
        "2026-03-29 02:30:00.123456+00",
        "2026-01-01 00:00+00",
        "infinity",
        "-infinity",
        "0044-03-15 BC",
    ),
    "timestamp": ("2026-03-29 02:30:00", "infinity"),
    "date": ("2026-02-28", "infinity", "0001-01-01 BC"),
    "time": ("24:00:00", "00:00:00.000001"),
    "interval": ("1 mon -1 day 00:00:01.5", "1 day", "24:00:00"),
    "bytea": ("\\x", "\\x00ff5c27", "\\x61"),
    "boolean": ("true", "false"),
    "uuid": ("00000000-0000-0000-0000-000000000000", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
    "inet": ("10.0.0.1/24", "::1"),
    "int4range": ("empty", "[1,3)", "(,)"),
    "point": ("(1,2)", "(0.1,-0)"),
    "{schema}.size": ("(1,ab)", "(,)", '(0,",")'),
    "{schema}.positive": ("1", "7"),
    "bit varying": ("", "101"),
}
"""Texts of values by type; each type has null, too."""

KEYS: dict[str, tuple[str, ...]] = {
    "int": ("1", "2", "3", "4", "5", "6", "7"),
    "text": ("a", "A", "b'", "", "ä", "null", "%"),
    "numeric": ("1", "2.50", "3", "4", "-5", "1e20", "NaN"),
    "date": ("2026-01-01", "2026-01-02", "infinity", "0001-01-01 BC", "2026-01-05", "5555-05-05"),
}
# As JSON they look like null, 0 and {a,b}: where columns are ignored, rows are compared as JSON.
LOOK_ALIKE = ("null", "-0", "[0:1]={a,b}")


@dataclass(frozen=True)
class Column:
    """A column, and the values that are written to it as PostgreSQL reads them."""

    name: str
    type: str
    values: tuple[str | None, ...]
