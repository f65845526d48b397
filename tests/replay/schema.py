"""Schemas that nobody designed: tables of all shapes, with triggers of the application's own.

A number decides what a schema is like, so that it is the same in each run. What is written to its
tables is for others to say.
"""

from dataclasses import dataclass, replace
from random import Random

from tests.replay.values import KEYS, LOOK_ALIKE, VALUES, Column

BEFORE = {
    "rewrite": "NEW.note := upper(NEW.note); NEW.n := abs(NEW.n); RETURN NEW;",
    "suppress": """
        IF coalesce(NEW.n, OLD.n) = 3 THEN RETURN NULL; END IF;
        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
        RETURN NEW;""",
}
# They end, because each goes only two triggers deep.
AFTER = {
    "same row": "UPDATE {table} SET n = coalesce(n, 0) + 1 WHERE {same};",
    "other rows": "UPDATE {table} SET note = note || TG_OP WHERE n IS NOT DISTINCT FROM NEW.n;",
    "removal": "DELETE FROM {table} WHERE n = NEW.n + 1;",
    "elsewhere": "UPDATE {other} SET n = NEW.n WHERE note = NEW.note OR n IS NULL;",
}


@dataclass(frozen=True)
class Table:
    """A tracked table.

    *options* are its other lines of audit.toml; *targets* are what its rows are written through:
    itself, and its partitions. What is in *unseen* is in no entry, or only as a fingerprint; an
    update of nothing but *unrecorded* columns leaves none.
    """

    schema: str
    name: str
    columns: tuple[Column, ...]
    key: tuple[Column, ...] = ()
    constraints: tuple[str, ...] = ()
    suffix: str = ""
    partitions: tuple[str, ...] = ()
    is_arbiter: bool = True
    options: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    unrecorded: tuple[str, ...] = ()
    truncate: str = "log"
    triggers: tuple[tuple[str, str], ...] = ()

    @property
    def full_name(self) -> str:
        """The name with its schema."""
        return f"{self.schema}.{self.name}"

    @property
    def targets(self) -> tuple[str, ...]:
        """The table and its partitions."""
        return (self.full_name, *(f"{self.schema}.{name}" for name in self.partitions))


@dataclass(frozen=True)
class World:
    """A schema with some tables that act on each other.

    Where it *nests*, a trigger may write to a row that the statement it fires for wrote, too, and
    whose own triggers are still to fire.
    """

    schema: str
    tables: tuple[Table, ...]
    nests: bool


def make_world(number: int, seed: str) -> World:
    """Return the schema of that number."""
    rng = Random(f"{seed} {number}")
    schema = f"replay_{number}"
    before = (None, *BEFORE)[number % 3]
    after = (None, *AFTER)[number % 5]
    # A trigger that writes its own row meets nobody else's writes where no foreign key acts.
    acts = after != "same row"
    node = _node(schema, rng, acts)
    others = rng.sample([_pair, _loose, _spread, *([_swap] if acts else [])], 2)
    tables = (node, _leaf(node, rng, acts), *(make(schema, rng) for make in others))
    tables = tuple(_with_policy(table, rng) for table in tables)
    tables = tuple(_with_triggers(table, tables, before, after, rng) for table in tables)
    tables = tuple(_with_capture(table, rng) for table in tables)
    return World(schema, tables, nests=after is not None and acts)


def _columns(schema: str, rng: Random, *key: Column) -> tuple[Column, ...]:
    types = rng.sample(sorted(VALUES), 4)
    own = (
        Column(f"c{n}", name.format(schema=schema), (None, *VALUES[name]))
        for n, name in enumerate(types)
    )
    n = Column("n", "int", (None, "0", "1", "2", "3"))
    return (*key, n, Column("note", "text", (None, "x", *VALUES["text"])), *own)


def _key(name: str, rng: Random) -> Column:
    kind = rng.choice(sorted(KEYS))
    return Column(name, kind, KEYS[kind])


def _node(schema: str, rng: Random, acts: bool) -> Table:
    key = _key("id", rng)
    up = Column("up_id", key.type, (None, None, *key.values))
    columns = (*_columns(schema, rng, key), up)
    constraints: tuple[str, ...] = (
        "PRIMARY KEY (id)",
        "twice int GENERATED ALWAYS AS (n + 0) STORED",
    )
    if rng.random() < 0.5:
        constraints += (f"FOREIGN KEY (up_id) REFERENCES {schema}.node {_action(rng, acts)}",)
    return Table(schema, "node", columns, (key,), constraints, options=('label = "note"',))


def _action(rng: Random, acts: bool) -> str:
    checked = rng.choice(["", "DEFERRABLE", "DEFERRABLE INITIALLY DEFERRED"])
    if not acts:
        return checked
    on_delete = rng.choice(["CASCADE", "CASCADE", "SET NULL", "SET DEFAULT", "NO ACTION"])
    on_update = rng.choice(["CASCADE", "CASCADE", "SET NULL", "NO ACTION"])
    return f"ON DELETE {on_delete} ON UPDATE {on_update} {checked}"


def _leaf(node: Table, rng: Random, acts: bool) -> Table:
    [parent], key = node.key, Column("id", "int", KEYS["int"])
    link = Column("node_id", parent.type, (None, *parent.values))
    reference = f"FOREIGN KEY (node_id) REFERENCES {node.full_name} {_action(rng, acts)}"
    options = (
        f'parent = {{ table = "{node.full_name}", key = "node_id" }}',
        'part = "Leaf"',
    )
    columns = (*_columns(node.schema, rng, key), link)
    return Table(
        node.schema, "leaf", columns, (key,), ("PRIMARY KEY (id)", reference), options=options
    )


def _pair(schema: str, rng: Random) -> Table:
    key = (_key("left side", rng), _key("right", rng))
    constraint = 'PRIMARY KEY ("left side", "right")'
    return Table(schema, "pair", _columns(schema, rng, *key), key, (constraint,))


def _loose(schema: str, rng: Random) -> Table:
    return Table(schema, "loose", _columns(schema, rng))


def _spread(schema: str, rng: Random) -> Table:
    key = (Column("id", "int", KEYS["int"]), Column("bucket", "int", ("1", "2", "3")))
    return Table(
        schema,
        "spread",
        _columns(schema, rng, *key),
        key,
        ("PRIMARY KEY (id, bucket)",),
        suffix=" PARTITION BY LIST (bucket)",
        partitions=("spread_1", "spread_2"),
    )


def _swap(schema: str, rng: Random) -> Table:
    key = _key("id", rng)
    checked = rng.choice(["DEFERRABLE", "DEFERRABLE INITIALLY DEFERRED"])
    constraint = f"PRIMARY KEY (id) {checked}"
    return Table(
        schema, "swap", _columns(schema, rng, key), (key,), (constraint,), is_arbiter=False
    )


def _with_policy(table: Table, rng: Random) -> Table:
    truncate = rng.choice(["log", "log", "rows", "forbid"])
    options = (*table.options, f'truncate = "{truncate}"')
    table = replace(table, options=options, truncate=truncate)
    policy = rng.choice([None, None, None, "ignore", "exclude", "redact"])
    if policy is None:
        return table
    table = replace(table, options=(*options, f'{policy} = ["c0"]'), unseen=("c0",))
    if policy == "redact":
        return table
    columns = tuple(_told_apart(column) for column in table.columns)
    return replace(table, columns=columns, unrecorded=("c0",))


def _told_apart(column: Column) -> Column:
    values = tuple(value for value in column.values if value not in LOOK_ALIKE)
    return replace(column, values=values)


def _with_capture(table: Table, rng: Random) -> Table:
    if rng.random() < 0.3:
        table = replace(table, options=(*table.options, 'rows = "changed"'))
    own = any(moment.startswith("AFTER") for moment, _ in table.triggers)
    if own or table.partitions or rng.random() < 0.2:
        return table
    return replace(table, options=(*table.options, 'capture = "statement"'))


def _with_triggers(
    table: Table, tables: tuple[Table, ...], before: str | None, after: str | None, rng: Random
) -> Table:
    triggers: tuple[tuple[str, str], ...] = ()
    if before and rng.random() < 0.7:
        events = "INSERT OR UPDATE" if before == "rewrite" else "INSERT OR UPDATE OR DELETE"
        triggers += ((f"BEFORE {events}", BEFORE[before]),)
    if after and rng.random() < 0.7:
        same = " AND ".join(f't."{c.name}" = NEW."{c.name}"' for c in table.key) or "false"
        other = rng.choice([each for each in tables if each is not table])
        body = AFTER[after].format(
            table=f"{table.full_name} AS t", same=same, other=other.full_name
        )
        body = f"IF pg_trigger_depth() < 3 THEN {body} END IF; RETURN NULL;"
        triggers += (("AFTER INSERT OR UPDATE", body),)
    return replace(table, triggers=triggers)
