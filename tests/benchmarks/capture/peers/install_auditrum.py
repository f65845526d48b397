"""Tracks the table with auditrum, as "Without Django" of its README has it."""

import sys
from importlib.metadata import version

import psycopg
from auditrum.schema import (
    generate_audit_attach_context_sql,
    generate_audit_context_table_sql,
    generate_audit_current_user_id_sql,
    generate_auditlog_partitions_sql,
    generate_auditlog_table_sql,
    generate_jsonb_diff_function_sql,
)
from auditrum.triggers import generate_trigger_sql

conninfo, table, ignored = sys.argv[1:]
with psycopg.connect(conninfo) as connection:
    for statement in (
        generate_auditlog_table_sql("auditlog"),
        generate_auditlog_partitions_sql("auditlog"),
        generate_audit_context_table_sql(),
        generate_audit_attach_context_sql(),
        generate_audit_current_user_id_sql(),
        generate_jsonb_diff_function_sql(),
        generate_trigger_sql(table, exclude_fields=[ignored]),
    ):
        connection.execute(statement.encode())
print(version("auditrum"))
