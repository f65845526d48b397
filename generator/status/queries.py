"""What is asked of a database to tell how its log stands.

What the log takes is worked out in the database: see sql/14_growth.sql.
"""

from typing import LiteralString

CLOCK: LiteralString = """
SELECT current_database() AS database, now() AS now, (now() AT TIME ZONE 'UTC')::date AS today,
       (SELECT e.occurred_at FROM audit.entry AS e ORDER BY e.occurred_at LIMIT 1) AS oldest
"""

TABLES: LiteralString = """
SELECT t.table_schema, t.table_name, t.since, t.gaps, t.until
FROM audit.list_tracked() AS t
"""

# A good run has finished, and gave nothing up.
RUNS: LiteralString = """
SELECT r.started_at, r.finished_at, r.retention_days, r.given_up,
       (SELECT g.finished_at
        FROM audit.maintenance_run AS g
        WHERE g.finished_at IS NOT NULL AND g.given_up IS NULL
        ORDER BY g.started_at DESC
        LIMIT 1) AS ran_well_at
FROM audit.maintenance_run AS r
ORDER BY r.started_at DESC
LIMIT 1
"""

SEALED: LiteralString = """
SELECT s.number, s.sealed_at,
       v.verified_at, v.up_to AS verified_up_to, jsonb_array_length(v.findings) AS found
FROM (SELECT l.* FROM audit.seal AS l ORDER BY l.number DESC LIMIT 1) AS s
     LEFT JOIN (SELECT l.* FROM audit.verification AS l ORDER BY l.verified_at DESC LIMIT 1) AS v
         ON true
"""

LOG: LiteralString = "SELECT * FROM audit.measure_log()"
