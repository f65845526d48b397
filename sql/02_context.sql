-- What the application says about itself: settings, which last as long as its transaction.
--
--     SET LOCAL audit.actor = '42';            who: a stable key of the person
--     SET LOCAL audit.actor_name = 'Ana Diaz'; the name to show, as it is today
--     SET LOCAL audit.ip = '203.0.113.24';     from where
--     SET LOCAL audit.context = '{"request": "7f1c"}';  anything else, as JSON

CREATE OR REPLACE FUNCTION audit.set_context(
    p_actor      text,
    p_ip         text DEFAULT NULL,
    p_actor_name text DEFAULT NULL,
    p_context    text DEFAULT NULL,
    p_signature  text DEFAULT NULL
)
    RETURNS void
    LANGUAGE sql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $set_context$
    SELECT set_config('audit.actor', coalesce(p_actor, ''), true),
           set_config('audit.ip', coalesce(p_ip, ''), true),
           set_config('audit.actor_name', coalesce(p_actor_name, ''), true),
           set_config('audit.context', coalesce(p_context, ''), true),
           set_config('audit.signature', coalesce(p_signature, ''), true),
           set_config('audit.bound_to', coalesce(
               extract(epoch FROM transaction_timestamp())::text || ' ' || p_actor, ''), true);
$set_context$;

COMMENT ON FUNCTION audit.set_context(text, text, text, text, text) IS
    'Say who acts, from where and why (as JSON), until the end of this transaction. The same as '
    'as many SET LOCAL, and it binds the actor to the transaction: entry.actor_bound is true, so '
    'that one that a pooled connection kept from somebody else can be told from one that was '
    'meant.';

REVOKE ALL ON FUNCTION audit.set_context(text, text, text, text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit._context(p_said text)
    RETURNS jsonb
    LANGUAGE plpgsql
    IMMUTABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_context$
BEGIN
    IF length(p_said) > 8192 THEN
        RETURN jsonb_build_object('unparsed', left(p_said, 8192));
    END IF;
    RETURN p_said::jsonb;
EXCEPTION
    WHEN data_exception OR program_limit_exceeded THEN
        RETURN jsonb_build_object('unparsed', p_said);
END
$_context$;

COMMENT ON FUNCTION audit._context(text) IS
    'The setting audit.context as JSON. What is not JSON, or is longer than 8,192 characters, is '
    'kept as it came under the key "unparsed": bad context never refuses the write.';

REVOKE ALL ON FUNCTION audit._context(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._context(text) TO audit_writer;

CREATE OR REPLACE FUNCTION audit._refuse_missing_actor(
    p_operation    text,
    p_table_schema text,
    p_table_name   text
)
    RETURNS void
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_refuse_missing_actor$
BEGIN
    RAISE EXCEPTION '% on %.% is refused: nobody said who acts',
                    p_operation, p_table_schema, p_table_name
        USING ERRCODE = 'UA008',
              DETAIL = 'The setting audit.actor is empty, and audit.toml has missing_actor = '
                       '"reject" for this table, whoever writes to it.',
              HINT = 'In the transaction of the write, before it, run SET LOCAL audit.actor = '
                     '''…'', or call audit.set_context().';
END
$_refuse_missing_actor$;

COMMENT ON FUNCTION audit._refuse_missing_actor(text, text, text) IS
    'Refuses with SQLSTATE UA008 to write to a table that wants to know who acts. Arguments: '
    'operation, schema, table.';

REVOKE ALL ON FUNCTION audit._refuse_missing_actor(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._refuse_missing_actor(text, text, text) TO audit_writer;
