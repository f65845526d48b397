-- What only reading needs: indexes of the words in the log, of the modules and of what was deleted,
-- and a list of the persons. Every write would have to pay for them, so they are made of a day that
-- is over.

CREATE OR REPLACE FUNCTION audit._words(
    p_label  text,
    p_labels jsonb,
    p_old    jsonb,
    p_new    jsonb
)
    RETURNS tsvector
    LANGUAGE plpgsql
    IMMUTABLE
    SECURITY INVOKER
    -- So dear that the planner reads an index wherever there is one.
    COST 2000
    SET search_path = pg_catalog, pg_temp
AS $_words$
DECLARE
    -- A redacted value is none that anybody could type.
    c_readable constant jsonpath := '$.* ? (!exists(@.redacted))'::jsonpath;
    c_leaves   constant jsonpath :=
        'strict $.** ? (@.type() == "string" || @.type() == "number")'::jsonpath;
    v_told jsonb;
    v_text text;
BEGIN
    v_told := jsonb_build_array(p_label,
                                p_labels,
                                jsonb_path_query_array(p_old, c_readable),
                                jsonb_path_query_array(p_new, c_readable));
    v_text := v_told::text;
    IF length(v_text) < 1000000 AND v_text !~ '[^[:space:]]{255}|<!--' THEN
        RETURN jsonb_to_tsvector('simple', v_told, '["string", "numeric"]');
    END IF;
    -- At each sign of "a_a_a_a" the parser looks ahead to its end, and at each "<!--" to the end of
    -- the text: a megabyte of them would take hours.
    RETURN to_tsvector('simple', left((
        SELECT string_agg(CASE WHEN length(w.word) < 255 THEN replace(w.word, '<', ' ')
                          ELSE translate(w.word, '_./@-:~<', '        ') END, ' ')
        FROM jsonb_path_query(v_told, c_leaves) AS l (leaf),
             regexp_split_to_table(left(l.leaf #>> '{}', 1000000), '[[:space:]]+') AS w (word)),
        1000000));
EXCEPTION
    WHEN program_limit_exceeded THEN
        RETURN to_tsvector('simple', left(coalesce(p_label, ''), 10000));
END
$_words$;

COMMENT ON FUNCTION audit._words(text, jsonb, jsonb, jsonb) IS
    'The words of an entry''s entity_label, labels, old_row and new_row: texts and numbers, less '
    'redacted values. Of rows with a megabyte of different words, the label''s alone; with a '
    'million characters, or 255 without a blank, the first million, and of the latter what is '
    'between their signs. An index holds what this returned: after changing it, drop the indexes '
    'of audit.index_day().';

REVOKE ALL ON FUNCTION audit._words(text, jsonb, jsonb, jsonb) FROM PUBLIC;
-- The writer, too: a clock that was set back writes into a day that is indexed.
GRANT EXECUTE ON FUNCTION audit._words(text, jsonb, jsonb, jsonb) TO audit_reader, audit_writer;

CREATE TABLE IF NOT EXISTS audit.person (
    actor      text NOT NULL,
    actor_name text,
    acted_on   date NOT NULL,
    CONSTRAINT person_pkey PRIMARY KEY (actor)
);

COMMENT ON TABLE audit.person IS
    'Who made changes on the days that audit.index_day() was called for. Other days are read in '
    'the log itself.';
COMMENT ON COLUMN audit.person.actor IS 'As entry.actor.';
COMMENT ON COLUMN audit.person.actor_name IS 'As entry.actor_name, the last of that day.';
COMMENT ON COLUMN audit.person.acted_on IS 'The last of those days in UTC with a change of theirs.';
COMMENT ON CONSTRAINT person_pkey ON audit.person IS 'A person is listed once.';

GRANT SELECT ON audit.person TO audit_reader;

ALTER TABLE audit.person ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS person_is_read_by_readers ON audit.person;
CREATE POLICY person_is_read_by_readers
    ON audit.person
    FOR SELECT
    TO audit_reader
    USING (true);
COMMENT ON POLICY person_is_read_by_readers ON audit.person IS
    'Only audit.index_day() writes the persons, whatever else a role has been granted.';

CREATE OR REPLACE FUNCTION audit._list_persons(p_day date)
    RETURNS void
    LANGUAGE sql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $_list_persons$
    INSERT INTO audit.person AS p (actor, actor_name, acted_on)
    SELECT DISTINCT ON (e.actor) e.actor, e.actor_name, p_day
    FROM audit.entry AS e
    WHERE e.actor IS NOT NULL
      AND e.occurred_at >= p_day::timestamptz
      AND e.occurred_at < (p_day + 1)::timestamptz
    ORDER BY e.actor, e.occurred_at DESC, e.id DESC
    ON CONFLICT (actor) DO UPDATE
    SET actor_name = excluded.actor_name,
        acted_on = excluded.acted_on
    WHERE p.acted_on < excluded.acted_on;
$_list_persons$;

COMMENT ON FUNCTION audit._list_persons(date) IS
    'Note who made changes on one day in UTC.';

REVOKE ALL ON FUNCTION audit._list_persons(date) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit._index_partition(p_name text)
    RETURNS boolean
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    -- A word of 2 kB is left out with a notice: there may be one in every row.
    SET client_min_messages = 'warning'
AS $_index_partition$
DECLARE
    v_part record;
BEGIN
    SELECT p.name, p.starts_at, p.ends_at, p.is_indexed INTO v_part
    FROM audit._partitions() AS p
    WHERE p.name = p_name AND p.ends_at <= clock_timestamp() AND NOT p.is_detaching;
    IF v_part IS NULL OR v_part.is_indexed THEN
        RETURN v_part IS NOT NULL;
    END IF;
    EXECUTE format('CREATE INDEX %I ON audit.%I '
                   'USING gin (audit._words(entity_label, labels, old_row, new_row))',
                   p_name || '_words', p_name);
    EXECUTE format('COMMENT ON INDEX audit.%I IS %L', p_name || '_words',
                   'Finds entries by the words in them.');
    EXECUTE format('CREATE INDEX %I ON audit.%I (module)', p_name || '_module', p_name);
    EXECUTE format('COMMENT ON INDEX audit.%I IS %L', p_name || '_module',
                   'Finds the changes of a module in which there are few.');
    EXECUTE format('CREATE INDEX %I ON audit.%I (occurred_at) '
                   'WHERE part IS NULL AND operation IN (''DELETE'', ''TRUNCATE'')',
                   p_name || '_deleted', p_name);
    EXECUTE format('COMMENT ON INDEX audit.%I IS %L', p_name || '_deleted',
                   'Finds the deleted entities, of which there are few.');
    -- Nothing is added to the day any more, so that autovacuum would never count its words.
    EXECUTE format('ANALYZE audit.%I', p_name);
    PERFORM audit._list_persons(d::date)
    FROM generate_series(v_part.starts_at, v_part.ends_at - interval '1 us', '1 day') AS d;
    RETURN true;
END
$_index_partition$;

COMMENT ON FUNCTION audit._index_partition(text) IS
    'Do what audit.index_day() does for a partition that is over, by its name. False for one that '
    'is not, or is none.';

REVOKE ALL ON FUNCTION audit._index_partition(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit.index_day(p_day date)
    RETURNS boolean
    LANGUAGE sql
    VOLATILE
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $index_day$
    SELECT audit._index_partition(
        audit._partition_name(p_day::timestamptz, (p_day + 1)::timestamptz));
$index_day$;

COMMENT ON FUNCTION audit.index_day(date) IS
    'Make one day in UTC that is over quick to read, unless it is: index its words, its modules '
    'and what was deleted, list its persons. Returns whether it is now: false for a day that is '
    'not over or has no partition. Writers of other days are not delayed.';

REVOKE ALL ON FUNCTION audit.index_day(date) FROM PUBLIC;
