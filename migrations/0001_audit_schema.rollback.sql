-- Takes the audit schema away again, while it is empty and nothing writes into it.

DO $refuse_to_lose_entries$
BEGIN
    IF EXISTS (SELECT FROM audit.entry) THEN
        RAISE EXCEPTION 'the audit schema is not removed: the log holds entries'
            USING ERRCODE = 'UA004',
                  HINT = 'To give them up, run DROP SCHEMA audit CASCADE by hand.';
    END IF;
    IF EXISTS (SELECT FROM audit.tracked_table AS t WHERE t.untracked_at IS NULL) THEN
        RAISE EXCEPTION 'the audit schema is not removed: tables are still tracked'
            USING ERRCODE = 'UA004',
                  HINT = 'Roll their migrations back first, or untrack them.';
    END IF;
END
$refuse_to_lose_entries$;

DROP SCHEMA audit CASCADE;

-- The roles stay: they belong to the cluster, where another database may use them.
