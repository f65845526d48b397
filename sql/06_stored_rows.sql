-- Rows as the log stores them: as jsonb, and redacted where audit.toml says so.

CREATE OR REPLACE FUNCTION audit._as_text(p_value anyelement)
    RETURNS text
    LANGUAGE plpgsql
    STABLE
    STRICT
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_as_text$
DECLARE
    v_text text;
BEGIN
    -- Not p_value::text, which would call a cast that somebody made.
    v_text := format('%s', p_value);
    IF length(v_text) <= 1048576 THEN
        RETURN v_text;
    END IF;
    -- The digest tells values apart that begin alike.
    RETURN format('%s… (%s characters, SHA-256 %s)', left(v_text, 1048576), length(v_text),
                  encode(sha256(convert_to(v_text, 'UTF8')), 'hex'));
EXCEPTION
    WHEN program_limit_exceeded OR internal_error THEN
        RETURN format('(%s bytes, too many for a text)', pg_column_size(p_value));
END
$_as_text$;

COMMENT ON FUNCTION audit._as_text(anyelement) IS
    'A value as text; one of more than 1,048,576 characters is cut there, and its length and '
    'digest follow. Only its size where PostgreSQL can''t write it as text, such as a bytea of '
    '600 MB.';

REVOKE ALL ON FUNCTION audit._as_text(anyelement) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._as_text(anyelement) TO audit_writer;

CREATE OR REPLACE FUNCTION audit._salvage(p_row anyelement)
    RETURNS jsonb
    LANGUAGE plpgsql
    STABLE
    STRICT
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_salvage$
DECLARE
    v_row   jsonb := '{}'::jsonb;
    v_name  name;
    v_value jsonb;
BEGIN
    FOR v_name IN
        SELECT a.attname
        FROM pg_type AS t
             JOIN pg_attribute AS a ON a.attrelid = t.typrelid
        WHERE t.oid = pg_typeof(p_row) AND a.attnum > 0 AND NOT a.attisdropped
    LOOP
        BEGIN
            EXECUTE format('SELECT to_jsonb(($1).%I)', v_name) INTO v_value USING p_row;
            v_row := v_row || jsonb_build_object(v_name, v_value);
        EXCEPTION
            -- to_jsonb calls casts to json, which are code of anybody's.
            WHEN OTHERS THEN
                EXECUTE format('SELECT to_jsonb(audit._as_text(($1).%I))', v_name)
                INTO v_value USING p_row;
                v_row := v_row || jsonb_build_object(v_name, v_value);
        END;
    END LOOP;
    RETURN v_row;
END
$_salvage$;

COMMENT ON FUNCTION audit._salvage(anyelement) IS
    'A row of which jsonb can''t hold some value, such as "\u0000" in a json column or a text of '
    '260 MB. That value is kept as audit._as_text() has it; the others are whole.';

REVOKE ALL ON FUNCTION audit._salvage(anyelement) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._salvage(anyelement) TO audit_writer;

CREATE OR REPLACE FUNCTION audit._salvage_as(p_as anyelement, p_row record)
    RETURNS jsonb
    LANGUAGE plpgsql
    STABLE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_salvage_as$
BEGIN
    -- Not by way of text, which would call the CHECKs of domains: code of anybody's.
    p_as := p_row;
    RETURN audit._salvage(p_as);
END
$_salvage_as$;

COMMENT ON FUNCTION audit._salvage_as(anyelement, record) IS
    'A row, salvaged as one of the type of the first argument, whose columns have names.';

REVOKE ALL ON FUNCTION audit._salvage_as(anyelement, record) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._salvage_as(anyelement, record) TO audit_writer;

CREATE OR REPLACE FUNCTION audit._salvage_of(p_table oid, p_row anyelement)
    RETURNS jsonb
    LANGUAGE plpgsql
    STABLE
    STRICT
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_salvage_of$
DECLARE
    v_row jsonb;
BEGIN
    RETURN to_jsonb(p_row);
EXCEPTION
    WHEN OTHERS THEN
        BEGIN
            -- A row of a transition table is of no type whose columns could be named.
            EXECUTE format('SELECT audit._salvage_as(NULL::%s, $1)', p_table::regclass)
            INTO v_row USING p_row;
        EXCEPTION
            WHEN OTHERS THEN
                v_row := jsonb_build_object(
                    'unreadable', format('(%s bytes)', pg_column_size(p_row)));
        END;
        RETURN v_row;
END
$_salvage_of$;

COMMENT ON FUNCTION audit._salvage_of(oid, anyelement) IS
    'A row that a statement wrote to this table, as jsonb; salvaged where jsonb can''t hold it. '
    '{"unreadable": size} where that can''t be, either: one of more than 500 MB, or in a schema '
    'that audit_writer may not use.';

REVOKE ALL ON FUNCTION audit._salvage_of(oid, anyelement) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._salvage_of(oid, anyelement) TO audit_writer;

-- A redacted column shows that a value changed, and whether it came back, never the value.

CREATE TABLE IF NOT EXISTS audit.fingerprint_key (
    is_only boolean NOT NULL DEFAULT true,
    secret  text    NOT NULL DEFAULT gen_random_uuid()::text || gen_random_uuid()::text,
    CONSTRAINT fingerprint_key_pkey PRIMARY KEY (is_only),
    CONSTRAINT fingerprint_key_is_one CHECK (is_only)
);

COMMENT ON TABLE audit.fingerprint_key IS
    'The secret of this database behind the fingerprints of redacted values, in one row. '
    'Nobody but audit_owner can read it: with it, a short value could be guessed from its '
    'fingerprint.';
COMMENT ON COLUMN audit.fingerprint_key.is_only IS
    'Always true: there is one key. A new one makes old fingerprints incomparable.';
COMMENT ON COLUMN audit.fingerprint_key.secret IS
    '244 random bits as text.';
COMMENT ON CONSTRAINT fingerprint_key_pkey ON audit.fingerprint_key IS
    'One row.';
COMMENT ON CONSTRAINT fingerprint_key_is_one ON audit.fingerprint_key IS
    'One row.';

-- No policy: roles that may read or write every table (pg_read_all_data) find nothing in here.
ALTER TABLE audit.fingerprint_key ENABLE ROW LEVEL SECURITY;

INSERT INTO audit.fingerprint_key (is_only) VALUES (true) ON CONFLICT DO NOTHING;

CREATE OR REPLACE FUNCTION audit._redact(p_row jsonb, p_columns text[])
    RETURNS jsonb
    LANGUAGE sql
    STABLE
    STRICT
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $_redact$
    -- A dump of the schema alone leaves the key behind: values are hidden without it, too, and
    -- look alike.
    SELECT p_row || coalesce(jsonb_object_agg(c.name, jsonb_build_object('redacted',
               coalesce(left(encode(sha256(convert_to(k.secret || c.name || chr(31)
                                                      || (p_row ->> c.name), 'UTF8')), 'hex'), 16),
                        repeat('0', 16)))), '{}')
    FROM unnest(p_columns) AS c (name)
         LEFT JOIN audit.fingerprint_key AS k ON true
    WHERE p_row ->> c.name IS NOT NULL;
$_redact$;

COMMENT ON FUNCTION audit._redact(jsonb, text[]) IS
    'A row with the named columns'' values replaced by {"redacted": fingerprint}. Equal values of '
    'one column have equal fingerprints; all have, while there is no key. Null stays null.';

REVOKE ALL ON FUNCTION audit._redact(jsonb, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._redact(jsonb, text[]) TO audit_writer;
