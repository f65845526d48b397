"""pgwitness reconcile: what it compares, beside whom, and for whom."""

import psycopg
from psycopg.conninfo import make_conninfo

from generator.config import Config
from tests.reconcile.history import found, reconcile, tamper


def test_entries_that_the_retention_took_are_unknown(
    owner: psycopg.Connection, config: Config
) -> None:
    day = owner.execute("SELECT 'audit.entry_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD')")
    [(partition,)] = day
    owner.execute(f"SET ROLE audit_owner; ALTER TABLE audit.entry DETACH PARTITION {partition};"
                  "RESET ROLE".encode())  # fmt: skip
    done = reconcile(owner, config, "--table", "public.visit")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "public.visit: 0 rows compared; 2 without an entry\n"


def test_what_others_are_writing_is_no_difference(
    owner: psycopg.Connection, config: Config
) -> None:
    with psycopg.connect(owner.info.dsn) as writer:
        writer.execute("UPDATE item SET price = price + 1; DELETE FROM visit")
        assert found(owner, config) == []


def test_a_sample_compares_some_keys_on_both_sides(
    owner: psycopg.Connection, config: Config
) -> None:
    owner.execute("INSERT INTO item SELECT n, 'x', n FROM generate_series(1000, 1999) AS n")
    owner.execute("ANALYZE item")
    tamper(owner, "item", "UPDATE item SET price = -1 WHERE id >= 1000")
    every = found(owner, config)
    some = found(owner, config, "--table", "public.item", "--sample", "100")
    assert len(every) == 1000
    assert 40 < len(some) < 200
    assert {line.split(": the log")[0] for line in some} < {
        line.split(": the log")[0] for line in every
    }


def test_who_may_not_read_both_is_told(
    owner: psycopg.Connection, config: Config, superuser: psycopg.Connection, stranger: str
) -> None:
    arguments = ["--database", make_conninfo(owner.info.dsn, user=stranger), "--table"]
    refused = reconcile(owner, config, *arguments, "public.item")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "connect as a member of audit_reader" in refused.stderr
    assert f'GRANT SELECT ON "public"."item" TO "{stranger}"' in refused.stderr
    superuser.execute(f"GRANT audit_reader TO {stranger}; GRANT SELECT ON item TO {stranger}")
    superuser.execute("ALTER TABLE item ENABLE ROW LEVEL SECURITY")
    hidden = reconcile(owner, config, *arguments, "public.item")
    assert (hidden.exit_code, "row level security hides rows" in hidden.stderr) == (2, True)


def test_a_cast_of_others_is_not_run(
    owner: psycopg.Connection, config: Config, superuser: psycopg.Connection, stranger: str
) -> None:
    owner.execute("CREATE TYPE mood AS ENUM ('calm'); ALTER TABLE visit ADD mood mood")
    superuser.execute(
        "CREATE FUNCTION as_json(mood) RETURNS json LANGUAGE sql RETURN '1'::json;"
        "CREATE CAST (mood AS json) WITH FUNCTION as_json;"
        f"ALTER FUNCTION as_json OWNER TO {stranger}".encode()
    )
    done = reconcile(owner, config, "--table", "public.visit")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("public.visit: not compared: cast (public.mood AS json) runs ")
