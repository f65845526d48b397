SET LOCAL lock_timeout = '5s';
-- What somebody may have put into public is not called in place of PostgreSQL's own.
SET LOCAL search_path = pg_catalog, pg_temp;

-- Three roles, none of which can log in: one owns the log, one may only add to it, one may only
-- read it. Roles belong to the whole cluster, so they may be here already.

DO $roles$
DECLARE
    v_role    text;
    v_comment text;
BEGIN
    IF current_setting('server_encoding') = 'SQL_ASCII' THEN
        RAISE EXCEPTION 'pgwitness cannot be installed in database %', current_database()
            USING ERRCODE = 'UA002',
                  DETAIL = 'Its encoding is SQL_ASCII: not every text in it is JSON''s Unicode.',
                  HINT = 'Create the database with ENCODING ''UTF8''.';
    END IF;
    FOR v_role, v_comment IN
        VALUES ('audit_owner',  'Owns the schema audit. Members maintain the log.'),
               ('audit_writer', 'Owns the capture functions. May add entries, and nothing else.'),
               ('audit_reader', 'May read the log. The viewer logs in as a member of it.')
    LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = v_role) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', v_role);
            EXECUTE format('COMMENT ON ROLE %I IS %L', v_role, v_comment);
        END IF;
    END LOOP;
END
$roles$;

-- Whoever installs must be able to act as the owner and the writer.
DO $membership$
BEGIN
    GRANT audit_owner, audit_writer TO CURRENT_USER;
EXCEPTION
    WHEN insufficient_privilege THEN
        -- Another database's installer made the roles, and may have granted them already.
        IF pg_has_role('audit_owner', 'MEMBER') AND pg_has_role('audit_writer', 'MEMBER') THEN
            RETURN;
        END IF;
        RAISE EXCEPTION '% can''t act as audit_owner and audit_writer, which are there already',
                        current_user
            USING ERRCODE = 'UA005',
                  DETAIL = 'Roles belong to the whole cluster: another database has made them.',
                  HINT = format('As who made them, or as a superuser, run: '
                                'GRANT audit_owner, audit_writer TO %1$I; '
                                'GRANT audit_reader TO %1$I WITH ADMIN OPTION', current_user);
END
$membership$;

CREATE SCHEMA IF NOT EXISTS audit AUTHORIZATION audit_owner;

SET ROLE audit_owner;

REVOKE ALL ON SCHEMA audit FROM PUBLIC;
GRANT USAGE ON SCHEMA audit TO audit_writer, audit_reader;
COMMENT ON SCHEMA audit IS
    'pgwitness: who changed what, and what it was before. Read audit.entry.';

-- Where the log is in use already, all of it is locked before any of it is replaced: lock by lock,
-- whoever reads and writes meanwhile could come to wait for this, and this for them. Nobody waits
-- for longer than 100 ms at a time, and nobody in a transaction is cut off.
DO $lock_what_is_there$
DECLARE
    v_tables text := (
        SELECT string_agg(format('audit.%I', c.relname), ', ' ORDER BY c.relname)
        FROM pg_catalog.pg_class AS c
             JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        -- What maintenance has just taken out of the log, it is about to drop.
        WHERE n.nspname = 'audit' AND c.relkind IN ('r', 'p') AND c.relname NOT LIKE 'entry\_%');
    v_name   text;
BEGIN
    FOR v_try IN 1..25 LOOP
        BEGIN
            SET LOCAL lock_timeout = '100ms';
            EXECUTE coalesce('LOCK TABLE ' || v_tables || ' IN ACCESS EXCLUSIVE MODE', 'SELECT');
            -- A partition that is half detached would not get a column that is added, and then
            -- could not be detached at all. While maintenance runs, it is about to finish that.
            FOR v_name IN
                SELECT c.relname
                FROM pg_catalog.pg_inherits AS i
                     JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
                WHERE i.inhparent = to_regclass('audit.entry') AND i.inhdetachpending
            LOOP
                IF NOT pg_catalog.pg_try_advisory_xact_lock(x'7067776974'::bigint) THEN
                    RAISE lock_not_available;
                END IF;
                EXECUTE format('ALTER TABLE audit.entry DETACH PARTITION audit.%I FINALIZE',
                               v_name);
            END LOOP;
            SET LOCAL lock_timeout = '5s';
            RETURN;
        EXCEPTION
            WHEN lock_not_available THEN
                PERFORM pg_catalog.pg_sleep(0.2);
        END;
    END LOOP;
    RAISE EXCEPTION 'the audit schema is not replaced: a transaction that does not end is using it'
        USING ERRCODE = 'UA014',
              DETAIL = (
                  SELECT format('In it now: pid %s.', string_agg(DISTINCT l.pid::text, ', '))
                  FROM pg_catalog.pg_locks AS l
                  WHERE l.relation IN (SELECT c.oid FROM pg_catalog.pg_class AS c
                                       WHERE c.relnamespace = 'audit'::regnamespace)
                    AND l.granted),
              HINT = 'Apply this again once it has ended. Nothing was changed.';
END
$lock_what_is_there$;
