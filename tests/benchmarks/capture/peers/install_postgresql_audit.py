"""Tracks the table with postgresql-audit: `versioning_manager.init`, `__versioned__`, create_all.

The last argument says at which level its triggers are; "statement" is its default.
"""

import sys
from importlib.metadata import version

import sqlalchemy as sa
from postgresql_audit import VersioningManager
from sqlalchemy.orm import configure_mappers, declarative_base

conninfo, table, ignored, level = sys.argv[1:]
parts = dict(part.split("=", 1) for part in conninfo.split())
url = sa.URL.create(
    "postgresql+psycopg",
    username=parts["user"],
    host=parts["host"],
    port=int(parts["port"]),
    database=parts["dbname"],
)
engine = sa.create_engine(url)
base = declarative_base()
manager = VersioningManager(use_statement_level_triggers=level == "statement")
manager.init(base)
tracked = sa.Table(table, base.metadata, autoload_with=engine)
type("Tracked", (base,), {"__table__": tracked, "__versioned__": {"exclude": [ignored]}})
configure_mappers()
base.metadata.create_all(engine)
with engine.begin() as connection:
    # What create_all does after it has made the table; ours is there already.
    connection.execute(manager.build_audit_table_query(tracked, exclude_columns=[ignored]))
    connection.execute(sa.text("GRANT SELECT, INSERT ON transaction, activity TO PUBLIC"))
    connection.execute(sa.text("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO PUBLIC"))
print(version("postgresql-audit"))
