-- Stops tracking "crm"."workflow_action".
-- Written by pgwitness. Its entries stay in the log, and its words in audit.tracked_table.

SET LOCAL lock_timeout = '5s';
-- What somebody may have put into public is not called in place of PostgreSQL's own.
SET LOCAL search_path = pg_catalog, pg_temp;

DROP TRIGGER IF EXISTS "!audit_insert" ON "crm"."workflow_action";
DROP TRIGGER IF EXISTS "!audit_update" ON "crm"."workflow_action";
DROP TRIGGER IF EXISTS "!audit_delete" ON "crm"."workflow_action";
DROP TRIGGER IF EXISTS "!audit_truncate" ON "crm"."workflow_action";

SET ROLE audit_writer;
DROP FUNCTION IF EXISTS audit."capture_crm_workflow_action"();

SET ROLE audit_owner;
CALL audit._forget('crm', 'workflow_action');

RESET ROLE;
SET LOCAL search_path TO DEFAULT;
