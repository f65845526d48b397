-- Refuses what gets around the log before it is done, where a superuser can be had: event triggers
-- are theirs alone. Optional: without it, pgwitness check sees these things afterwards.
-- Printed by "pgwitness guard"; apply it in each database, in one transaction, as a superuser.

-- A schema of its own, for who owns the schema of a function can drop it. Made anew each time: what
-- somebody had laid out in it would be replaced, and stay theirs.
DROP EVENT TRIGGER IF EXISTS audit_guard_change;
DROP EVENT TRIGGER IF EXISTS audit_guard_drop;
DROP SCHEMA IF EXISTS audit_guard CASCADE;
CREATE SCHEMA audit_guard;
COMMENT ON SCHEMA audit_guard IS
    'pgwitness: refuses to disable what captures. Belongs to a superuser, and nobody may use it.';

CREATE OR REPLACE FUNCTION audit_guard.is_own_change(p_version xid)
    RETURNS boolean
    LANGUAGE sql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $is_own_change$
    -- What is seen although its transaction has not ended is of this one. An xid has 32 bits of a
    -- transaction's 64: it is the one nearest to now that ends in them, unless that is still to be.
    SELECT CASE WHEN x.id < x.next + 100000000
           THEN coalesce(pg_xact_status(x.id::text::xid8), '') = 'in progress'
           ELSE false END
    FROM (
        SELECT s.next, s.next - 2147483648
               + ((p_version::text::bigint - s.next + 2147483648) & 4294967295)
        FROM (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint) AS s (next)
    ) AS x (next, id)
    WHERE p_version::text::bigint >= 3 AND x.id >= 3;
$is_own_change$;

COMMENT ON FUNCTION audit_guard.is_own_change(xid) IS
    'Whether the version of a row of the catalogue that is seen was made in this transaction.';

CREATE OR REPLACE FUNCTION audit_guard.altered(p_is_member boolean)
    RETURNS text
    LANGUAGE sql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $altered$
    SELECT format('trigger %I on %s', t.tgname, t.tgrelid::regclass)
    FROM pg_trigger AS t
         JOIN pg_proc AS p ON p.oid = t.tgfoid
         LEFT JOIN pg_inherits AS i ON t.tgparentid <> 0 AND i.inhrelid = t.tgrelid
    WHERE p.pronamespace = to_regnamespace('audit')
      AND (t.tgenabled IN ('D', 'R')
           OR NOT p_is_member
              -- A partition that is made or attached gets its own ones.
              AND NOT (t.tgenabled = 'A' AND i.inhrelid IS NOT NULL
                       AND audit_guard.is_own_change(i.xmin)))
      AND audit_guard.is_own_change(t.xmin)
    UNION ALL
    SELECT format('function %s', p.oid::regprocedure)
    FROM pg_proc AS p
    WHERE p.pronamespace = to_regnamespace('audit')
      AND NOT p_is_member AND audit_guard.is_own_change(p.xmin)
    LIMIT 1;
$altered$;

COMMENT ON FUNCTION audit_guard.altered(boolean) IS
    'A trigger or function of the log that this transaction has altered, and should not have. A '
    'member of audit_owner may make and replace them, and may not disable them.';

CREATE OR REPLACE FUNCTION audit_guard.added(p_class oid, p_object oid)
    RETURNS text
    LANGUAGE sql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $added$
    WITH RECURSIVE tracked AS (
        SELECT c.oid
        FROM audit.tracked_table AS t
             JOIN pg_namespace AS n ON n.nspname = t.table_schema
             JOIN pg_class AS c ON (c.relnamespace, c.relname) = (n.oid, t.table_name)
        WHERE t.untracked_at IS NULL
    ), used (oid) AS (
        SELECT a.atttypid
        FROM tracked JOIN pg_attribute AS a ON a.attrelid = tracked.oid
        WHERE a.attnum > 0 AND NOT a.attisdropped
        UNION
        SELECT part.oid
        FROM used JOIN pg_type AS t ON t.oid = used.oid,
             LATERAL (
                 SELECT t.typelem WHERE t.typcategory = 'A'
                 UNION ALL
                 SELECT t.typbasetype WHERE t.typtype = 'd'
                 UNION ALL
                 SELECT a.atttypid FROM pg_attribute AS a
                 WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0
             ) AS part (oid)
    )
    SELECT format('rule %I on %s', w.rulename, w.ev_class::regclass)
    FROM pg_rewrite AS w
    WHERE p_class = 'pg_rewrite'::regclass AND w.oid = p_object
      AND w.ev_class IN (SELECT tracked.oid FROM tracked)
    UNION ALL
    SELECT format('cast (%s AS %s)', k.castsource::regtype, k.casttarget::regtype)
    FROM pg_cast AS k
    WHERE p_class = 'pg_cast'::regclass AND k.oid = p_object
      AND k.castsource IN (SELECT used.oid FROM used)
      AND (k.castcontext = 'i' OR k.casttarget IN (
          'json'::regtype, 'jsonb'::regtype, 'text'::regtype, 'varchar'::regtype));
$added$;

COMMENT ON FUNCTION audit_guard.added(oid, oid) IS
    'A rule on a tracked table, or a cast by which a tracked type would be written down, or a name '
    'looked up, if this object is one.';

CREATE OR REPLACE FUNCTION audit_guard.refuse_change()
    RETURNS event_trigger
    LANGUAGE plpgsql
    VOLATILE
    -- Who made the change may not read what is tracked.
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $refuse_change$
DECLARE
    v_is_member boolean;
    v_what      text;
BEGIN
    IF to_regclass('audit.tracked_table') IS NULL
       OR (SELECT r.rolsuper FROM pg_roles AS r WHERE r.rolname = session_user)
    THEN
        RETURN;
    END IF;
    v_is_member := pg_has_role(session_user, 'audit_owner', 'MEMBER');
    v_what := audit_guard.altered(v_is_member);
    IF v_what IS NULL AND NOT v_is_member THEN
        SELECT audit_guard.added(c.classid, c.objid)
        INTO v_what
        FROM pg_event_trigger_ddl_commands() AS c
        WHERE audit_guard.added(c.classid, c.objid) IS NOT NULL
        LIMIT 1;
    END IF;
    IF v_what IS NOT NULL THEN
        RAISE EXCEPTION '% is refused: it would change %', tg_tag, v_what
            USING ERRCODE = 'UA013',
                  DETAIL = 'It captures a table of the audit log, or would get around that.',
                  HINT = 'Members of audit_owner apply the migrations; nobody but a superuser '
                         'disables a trigger.';
    END IF;
END
$refuse_change$;

COMMENT ON FUNCTION audit_guard.refuse_change() IS
    'Refuses with SQLSTATE UA013 what alters the triggers and functions of the log.';

CREATE OR REPLACE FUNCTION audit_guard.refuse_drop()
    RETURNS event_trigger
    LANGUAGE plpgsql
    VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $refuse_drop$
DECLARE
    v_what text;
BEGIN
    IF to_regclass('audit.tracked_table') IS NULL
       OR pg_has_role(session_user, 'audit_owner', 'MEMBER')
    THEN
        RETURN;
    END IF;
    SELECT d.object_identity
    INTO v_what
    FROM pg_event_trigger_dropped_objects() AS d
    WHERE d.object_type = 'trigger' AND d.original AND d.address_names[3] ~ '^!audit_'
       OR d.schema_name = 'audit' AND d.object_type <> 'type'
       OR d.object_type = 'table' AND EXISTS (
           SELECT
           FROM audit.tracked_table AS t
           WHERE (t.table_schema, t.table_name) = (d.address_names[1], d.address_names[2])
             AND t.untracked_at IS NULL)
    LIMIT 1;
    IF v_what IS NOT NULL THEN
        RAISE EXCEPTION '% is refused: it would drop %', tg_tag, v_what
            USING ERRCODE = 'UA013',
                  DETAIL = 'It captures a table of the audit log, or is one that is captured.',
                  HINT = 'Remove the table from audit.toml first, and apply the migration that '
                         'untracks it as a member of audit_owner.';
    END IF;
END
$refuse_drop$;

COMMENT ON FUNCTION audit_guard.refuse_drop() IS
    'Refuses with SQLSTATE UA013 to drop what captures, or is captured.';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audit_guard FROM PUBLIC;

CREATE EVENT TRIGGER audit_guard_change
    ON ddl_command_end
    EXECUTE FUNCTION audit_guard.refuse_change();
ALTER EVENT TRIGGER audit_guard_change ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER audit_guard_change IS
    'Each command that alters what captures fails, whoever owns the table.';

CREATE EVENT TRIGGER audit_guard_drop
    ON sql_drop
    EXECUTE FUNCTION audit_guard.refuse_drop();
ALTER EVENT TRIGGER audit_guard_drop ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER audit_guard_drop IS
    'Each command that drops what captures fails, whoever owns the table.';
