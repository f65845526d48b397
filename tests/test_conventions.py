"""What the project asks of its own SQL and Python, read from the catalogue and the sources."""

import ast
import re
import statistics
import tomllib
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

ROOT = Path(__file__).parents[1]
SQL = sorted(ROOT.glob("sql/*.sql*"))
PYTHON = [path for folder in ("generator", "auditviewer") for path in (ROOT / folder).rglob("*.py")]
TESTS = sorted((ROOT / "tests").rglob("*.py"))
CODE_OF_ANYBODYS = {"track.sql.j2": 3, "capture_statement.sql.j2": 1, "06_stored_rows.sql": 3}
"""Where everything is caught: policies of what is read, and casts of what is made JSON of."""
Function = ast.FunctionDef | ast.AsyncFunctionDef

# Not-null constraints are objects since PostgreSQL 18; their column's comment says it.
WITHOUT_COMMENT = """
SELECT o.identity
FROM (
    SELECT classid, objid, objsubid, pg_identify_object(classid, objid, objsubid) AS object
    FROM (
        SELECT 'pg_class'::regclass AS classid, c.oid AS objid, 0 AS objsubid
        FROM pg_class AS c
        WHERE c.relnamespace = ANY (%(schemas)s::regnamespace[]) AND NOT c.relispartition
          AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = c.oid)
          AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'i')
        UNION ALL
        SELECT 'pg_class'::regclass, a.attrelid, a.attnum
        FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
        WHERE c.relnamespace = ANY (%(schemas)s::regnamespace[]) AND c.relkind IN ('r', 'p', 'v')
          AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        SELECT 'pg_proc'::regclass, p.oid, 0
        FROM pg_proc AS p
        WHERE p.pronamespace = ANY (%(schemas)s::regnamespace[])
        UNION ALL
        SELECT 'pg_trigger'::regclass, t.oid, 0
        FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
        WHERE c.relnamespace = ANY (%(schemas)s::regnamespace[]) AND NOT t.tgisinternal
          AND NOT c.relispartition
        UNION ALL
        SELECT 'pg_policy'::regclass, p.oid, 0
        FROM pg_policy AS p
        UNION ALL
        SELECT 'pg_constraint'::regclass, k.oid, 0
        FROM pg_constraint AS k
        WHERE k.connamespace = 'audit'::regnamespace AND k.contype <> 'n'
          AND NOT (SELECT c.relispartition FROM pg_class AS c WHERE c.oid = k.conrelid)
        UNION ALL
        SELECT 'pg_namespace'::regclass, s.oid, 0
        FROM unnest(%(schemas)s::regnamespace[]) AS s (oid)
    ) AS named
) AS described, LATERAL (SELECT (object).identity AS identity) AS o
WHERE NOT EXISTS (
    SELECT FROM pg_description AS d
    WHERE (d.classoid, d.objoid, d.objsubid) = (classid, objid, objsubid))
ORDER BY 1
"""

FUNCTIONS = """
SELECT p.oid::regprocedure::text AS name, p.prosecdef AS is_definer, p.proconfig AS settings,
       pg_get_userbyid(p.proowner) AS owner,
       has_function_privilege('public', p.oid, 'EXECUTE') AS is_public
FROM pg_proc AS p
WHERE p.pronamespace = 'audit'::regnamespace
"""


@pytest.fixture
def owner(reference: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(reference) as connection:
        yield connection


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(function: Function) -> int:
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def is_public(name: str) -> bool:
    return not name.startswith("_")


def test_every_object_has_a_comment(owner: psycopg.Connection) -> None:
    found = owner.execute(WITHOUT_COMMENT.encode(), {"schemas": ["audit", "crm"]}).fetchall()
    assert found == []


def test_the_roles_have_comments(owner: psycopg.Connection) -> None:
    found = owner.execute(
        "SELECT rolname, shobj_description(oid, 'pg_authid') FROM pg_roles"
        " WHERE rolname IN ('audit_owner', 'audit_writer', 'audit_reader', 'crm_app')"
    ).fetchall()
    assert len(found) == 4
    assert all(comment for _, comment in found)


def test_no_function_of_the_log_is_open_to_everybody(owner: psycopg.Connection) -> None:
    assert [f for f in owner.execute(FUNCTIONS.encode()).fetchall() if f[4]] == []


def test_every_function_pins_the_search_path(owner: psycopg.Connection) -> None:
    for name, _, settings, *_ in owner.execute(FUNCTIONS.encode()).fetchall():
        assert "search_path=pg_catalog, pg_temp" in (settings or []), name


def test_definer_functions_belong_to_roles_that_cannot_log_in(owner: psycopg.Connection) -> None:
    owners = {f[3] for f in owner.execute(FUNCTIONS.encode()).fetchall() if f[1]}
    assert owners == {"audit_owner", "audit_writer"}


@pytest.mark.parametrize("path", SQL, ids=lambda path: path.name)
def test_sql_fits_the_width_of_a_review(path: Path) -> None:
    assert [line for line in path.read_text("utf-8").splitlines() if len(line) > 100] == []


@pytest.mark.parametrize("path", SQL, ids=lambda path: path.name)
def test_sql_never_catches_everything_and_never_refuses_without_saying_why(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("WHEN OTHERS") == CODE_OF_ANYBODYS.get(path.name, 0)
    for refusal in re.findall(r"RAISE EXCEPTION.*?;", text, re.DOTALL):
        assert "ERRCODE = 'UA" in refusal
        assert "HINT = " in refusal


@pytest.mark.parametrize("path", SQL, ids=lambda path: path.name)
def test_a_function_fits_one_screen(path: Path) -> None:
    bodies = re.findall(r"^AS \$(\w+)\$\n(.*?)^\$\1\$;", path.read_text("utf-8"), re.M | re.S)
    for name, body in bodies:
        # The one for tracked tables is a template: what is off leaves no line of it.
        assert body.count("\n") <= 45 or name == "capture", name


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_says_what_it_knows_and_is_short(path: Path) -> None:
    text = path.read_text("utf-8")
    assert ast.get_docstring(ast.parse(text))
    assert text.count("\n") <= 250
    assert "except Exception" not in text


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(ROOT)))
def test_public_functions_are_documented_and_no_function_is_long(path: Path) -> None:
    for function in functions(path):
        assert length(function) <= 40, function.name
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, Function | ast.ClassDef) and is_public(node.name):
            assert ast.get_docstring(node), node.name


def test_the_median_function_is_short() -> None:
    assert statistics.median(length(f) for path in PYTHON for f in functions(path)) <= 10


def test_every_error_of_ours_is_in_the_readme_and_raised_by_a_test() -> None:
    raised = {code for path in SQL for code in re.findall(r"'(UA\d{3})'", path.read_text("utf-8"))}
    readme = (ROOT / "README.md").read_text("utf-8")
    tests = "".join(path.read_text("utf-8") for path in TESTS)
    assert raised
    for code in raised:
        assert f"`{code}`" in readme
        assert f'"{code}"' in tests


def test_every_dependency_says_what_it_is_for() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    project = tomllib.loads(text)["project"]
    extras = [name for names in project["optional-dependencies"].values() for name in names]
    for name in (*project["dependencies"], *extras):
        assert re.search(rf'^    "{re.escape(name)}",\s+# \S', text, re.MULTILINE), name


@pytest.mark.parametrize(
    ("package", "allowed"),
    [
        ("change", "auditviewer.change."),
        ("log", r"auditviewer.(change|log|times)\.|psycopg"),
    ],
)
def test_the_viewer_is_built_in_layers(package: str, allowed: str) -> None:
    imported = {
        f"{node.module}."
        for path in (ROOT / "auditviewer" / package).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
    }
    layered = {name for name in imported if re.match(r"auditviewer|flask|psycopg", name)}
    assert layered
    assert {name for name in layered if not re.match(allowed, name)} == set()
