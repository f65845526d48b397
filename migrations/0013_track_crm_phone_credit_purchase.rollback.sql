-- Stops tracking "crm"."phone_credit_purchase".
-- Written by pgwitness. Its entries stay in the log, and its words in audit.tracked_table.

SET LOCAL lock_timeout = '5s';
-- What somebody may have put into public is not called in place of PostgreSQL's own.
SET LOCAL search_path = pg_catalog, pg_temp;

DROP TRIGGER IF EXISTS "!audit_insert" ON "crm"."phone_credit_purchase";
DROP TRIGGER IF EXISTS "!audit_update" ON "crm"."phone_credit_purchase";
DROP TRIGGER IF EXISTS "!audit_delete" ON "crm"."phone_credit_purchase";
DROP TRIGGER IF EXISTS "!audit_truncate" ON "crm"."phone_credit_purchase";

SET ROLE audit_writer;
DROP FUNCTION IF EXISTS audit."capture_crm_phone_credit_purchase"();

SET ROLE audit_owner;
CALL audit._forget('crm', 'phone_credit_purchase');

RESET ROLE;
SET LOCAL search_path TO DEFAULT;
