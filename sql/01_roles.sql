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
