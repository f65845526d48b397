-- Stops tracking "crm"."sales_sequence_exit_condition".
-- Written by pgwitness. Its entries stay in the log, and its words in audit.tracked_table.

SET LOCAL lock_timeout = '5s';
-- What somebody may have put into public is not called in place of PostgreSQL's own.
SET LOCAL search_path = pg_catalog, pg_temp;

DROP TRIGGER IF EXISTS "!audit_insert" ON "crm"."sales_sequence_exit_condition";
DROP TRIGGER IF EXISTS "!audit_update" ON "crm"."sales_sequence_exit_condition";
DROP TRIGGER IF EXISTS "!audit_delete" ON "crm"."sales_sequence_exit_condition";
DROP TRIGGER IF EXISTS "!audit_truncate" ON "crm"."sales_sequence_exit_condition";

SET ROLE audit_writer;
DROP FUNCTION IF EXISTS audit."capture_crm_sales_sequence_exit_condition"();

SET ROLE audit_owner;
CALL audit._forget('crm', 'sales_sequence_exit_condition');

RESET ROLE;
SET LOCAL search_path TO DEFAULT;
