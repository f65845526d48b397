-- Takes the guard away again; pgwitness check then sees afterwards what it would have refused.

DROP EVENT TRIGGER IF EXISTS audit_guard_change;
DROP EVENT TRIGGER IF EXISTS audit_guard_drop;
DROP SCHEMA IF EXISTS audit_guard CASCADE;
