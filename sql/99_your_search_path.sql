-- What follows in the same transaction finds names as before.
SET LOCAL search_path TO DEFAULT;
