-- Takes the reference CRM away again, with all that it holds. Without CASCADE: what another
-- migration built on these tables goes first, by that migration's own rollback.

SET ROLE audit_owner;
REVOKE EXECUTE ON FUNCTION audit.set_context FROM crm_app;
REVOKE USAGE ON SCHEMA audit FROM crm_app;
RESET ROLE;

DROP TABLE IF EXISTS crm.workflow_action;
DROP TABLE IF EXISTS crm.workflow_condition;
DROP TABLE IF EXISTS crm.workflow;
DROP TABLE IF EXISTS crm.account_setting;
DROP TABLE IF EXISTS crm.app_user;

DROP SCHEMA IF EXISTS crm;

-- The role stays: it belongs to the cluster, where another database may use it.
