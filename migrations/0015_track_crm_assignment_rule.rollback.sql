-- Stops tracking "crm"."assignment_rule".
-- Written by pgwitness. Its entries stay in the log, and its words in audit.tracked_table.

SET LOCAL lock_timeout = '5s';
-- What somebody may have put into public is not called in place of PostgreSQL's own.
SET LOCAL search_path = pg_catalog, pg_temp;

DROP TRIGGER IF EXISTS "!audit_insert" ON "crm"."assignment_rule";
DROP TRIGGER IF EXISTS "!audit_update" ON "crm"."assignment_rule";
DROP TRIGGER IF EXISTS "!audit_delete" ON "crm"."assignment_rule";
DROP TRIGGER IF EXISTS "!audit_truncate" ON "crm"."assignment_rule";

SET ROLE audit_writer;
DROP FUNCTION IF EXISTS audit."capture_crm_assignment_rule"();

SET ROLE audit_owner;
CALL audit._forget('crm', 'assignment_rule');

RESET ROLE;
SET LOCAL search_path TO DEFAULT;
