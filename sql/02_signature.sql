-- Who holds the database password can name any actor. An application whose users are known to
-- somebody else, such as a gateway, can have that one sign for them:
--
--     SET LOCAL audit.signature = '1800000000.9f86d0…';
--
-- Until when it holds, in seconds since 1970, and the HMAC-SHA256 (RFC 2104) in hexadecimal of the
-- settings audit.actor, audit.actor_name and audit.ip and of that time, as UTF-8 with a character
-- 31 between each two; a setting that is not set is an empty one.

CREATE TABLE IF NOT EXISTS audit.actor_key (
    id         uuid        NOT NULL DEFAULT gen_random_uuid(),
    inner_pad  bytea       NOT NULL,
    outer_pad  bytea       NOT NULL,
    retired_at timestamptz,
    CONSTRAINT actor_key_pkey
        PRIMARY KEY (id),
    CONSTRAINT actor_key_pads_are_blocks
        CHECK (octet_length(inner_pad) = 64 AND octet_length(outer_pad) = 64)
);

COMMENT ON TABLE audit.actor_key IS
    'The keys that who acts may be signed with, as set by audit.set_actor_key(). Nobody but '
    'audit_owner can read them: with one, any actor could be signed for.';
COMMENT ON COLUMN audit.actor_key.id IS
    'Tells keys apart. Says nothing of them.';
COMMENT ON COLUMN audit.actor_key.inner_pad IS
    'The key as a block of SHA-256, each byte xor 0x36: HMAC hashes it before the message.';
COMMENT ON COLUMN audit.actor_key.outer_pad IS
    'The same, each byte xor 0x5c: HMAC hashes it before the inner hash.';
COMMENT ON COLUMN audit.actor_key.retired_at IS
    'From when the key no longer holds. Null: it does.';
COMMENT ON CONSTRAINT actor_key_pkey ON audit.actor_key IS
    'A key is there once.';
COMMENT ON CONSTRAINT actor_key_pads_are_blocks ON audit.actor_key IS
    'A block of SHA-256 has 64 bytes.';

-- No policy: roles that may read or write every table (pg_read_all_data) find nothing in here.
ALTER TABLE audit.actor_key ENABLE ROW LEVEL SECURITY;

CREATE OR REPLACE FUNCTION audit._hmac_pad(p_key bytea, p_byte integer)
    RETURNS bytea
    LANGUAGE sql
    IMMUTABLE
    STRICT
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $_hmac_pad$
    SELECT string_agg(set_byte(decode('00', 'hex'), 0, get_byte(k.block, n) # p_byte), NULL
                      ORDER BY n)
    FROM (SELECT CASE WHEN length(p_key) > 64 THEN sha256(p_key) ELSE p_key END
                 || decode(repeat('00', 64), 'hex')) AS k (block),
         generate_series(0, 63) AS n;
$_hmac_pad$;

COMMENT ON FUNCTION audit._hmac_pad(bytea, integer) IS
    'A key as a block of SHA-256, each byte xor the given one (RFC 2104): longer keys are hashed, '
    'shorter ones filled up with zeros.';

REVOKE ALL ON FUNCTION audit._hmac_pad(bytea, integer) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit.set_actor_key(p_key bytea, p_overlap interval DEFAULT '00:00:00')
    RETURNS void
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $set_actor_key$
BEGIN
    IF p_key IS NULL OR length(p_key) < 16 THEN
        RAISE EXCEPTION 'the key of actors is not set: it has fewer than 16 bytes'
            USING ERRCODE = 'UA009',
                  HINT = 'Take 32 random ones, such as: openssl rand -hex 32';
    END IF;
    -- least() takes no notice of a null.
    UPDATE audit.actor_key AS k
    SET retired_at = least(k.retired_at, transaction_timestamp() + p_overlap);

    INSERT INTO audit.actor_key (inner_pad, outer_pad)
    VALUES (audit._hmac_pad(p_key, 54), audit._hmac_pad(p_key, 92));
END
$set_actor_key$;

COMMENT ON FUNCTION audit.set_actor_key(bytea, interval) IS
    'Set the key that who acts is signed with. Former ones hold for the overlap yet, so that '
    'signers can change; without one, no longer. For members of audit_owner. Never in a migration, '
    'which everybody reads.';

REVOKE ALL ON FUNCTION audit.set_actor_key(bytea, interval) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit._is_signed()
    RETURNS boolean
    LANGUAGE plpgsql
    STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $_is_signed$
DECLARE
    v_signature text := current_setting('audit.signature', true);
    v_until     text := split_part(v_signature, '.', 1);
    v_message   text;
BEGIN
    v_message := concat_ws(
        chr(31),
        coalesce(current_setting('audit.actor', true), ''),
        coalesce(current_setting('audit.actor_name', true), ''),
        coalesce(current_setting('audit.ip', true), ''),
        v_until);
    IF v_signature IS NULL OR v_signature !~ '^[0-9]{1,12}[.][0-9a-f]{64}$'
        -- One that is part of a name would let it be read in two ways.
        OR length(v_message) - length(replace(v_message, chr(31), '')) <> 3
        -- When its transaction began, so that a long one does not lose it halfway.
        OR v_until::bigint < extract(epoch FROM transaction_timestamp())
    THEN
        RETURN false;
    END IF;
    RETURN EXISTS (
        SELECT
        FROM audit.actor_key AS k
        WHERE (k.retired_at IS NULL OR k.retired_at > transaction_timestamp())
          AND encode(sha256(k.outer_pad || sha256(
                  k.inner_pad || convert_to(v_message, 'UTF8'))), 'hex')
              = split_part(v_signature, '.', 2));
EXCEPTION
    -- Not every text of every encoding is one in UTF-8.
    WHEN data_exception OR program_limit_exceeded THEN
        RETURN false;
END
$_is_signed$;

COMMENT ON FUNCTION audit._is_signed() IS
    'Whether audit.signature holds for what is said of who acts, when the transaction began. '
    'Whatever it is, it never refuses the write.';

REVOKE ALL ON FUNCTION audit._is_signed() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit._is_signed() TO audit_writer;
