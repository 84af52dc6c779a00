-- How far a backfill has come, so that it can be resumed: one row per page of a feed's archive or sitemap.
CREATE TABLE backfill_pages (
    source_id VARCHAR NOT NULL,
    since DATE NOT NULL,
    until DATE NOT NULL,
    with_undated BOOLEAN NOT NULL,
    position INTEGER NOT NULL,
    url VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    guessed BOOLEAN NOT NULL,
    state VARCHAR NOT NULL,
    detail VARCHAR,
    digest VARCHAR,
    listed INTEGER,
    entries INTEGER,
    new_entries INTEGER,
    undated INTEGER,
    before BOOLEAN NOT NULL,
    archive_part VARCHAR,
    archive_offset BIGINT,
    archive_length BIGINT,
    archive_sha256 VARCHAR,
    run_id VARCHAR NOT NULL
);
COMMENT ON TABLE backfill_pages IS 'Pages of feed archives and sitemaps that a backfill found, and which of them it has read.';
COMMENT ON COLUMN backfill_pages.source_id IS 'Key, with since, until, with_undated and url: the source.';
COMMENT ON COLUMN backfill_pages.since IS 'First day of the backfill.';
COMMENT ON COLUMN backfill_pages.until IS 'Last day of the backfill.';
COMMENT ON COLUMN backfill_pages.with_undated IS 'Whether it takes entries without any date as well.';
COMMENT ON COLUMN backfill_pages.position IS 'The order in which pages were found and are read, from 0.';
COMMENT ON COLUMN backfill_pages.url IS 'The address of the page.';
COMMENT ON COLUMN backfill_pages.kind IS 'feed or sitemap: by which way it was found.';
COMMENT ON COLUMN backfill_pages.guessed IS 'Whether nobody named it: it was worth a try.';
COMMENT ON COLUMN backfill_pages.state IS 'waiting, read, repeated (it lists what another page lists), absent or failed.';
COMMENT ON COLUMN backfill_pages.detail IS 'What was odd about it, or the failure in words.';
COMMENT ON COLUMN backfill_pages.digest IS 'Digest of what it lists; NULL for nothing.';
COMMENT ON COLUMN backfill_pages.listed IS 'How many entries, or sitemaps of an index, it lists.';
COMMENT ON COLUMN backfill_pages.entries IS 'How many of its entries are of the range and were taken.';
COMMENT ON COLUMN backfill_pages.new_entries IS 'How many of these were not known before.';
COMMENT ON COLUMN backfill_pages.undated IS 'How many entries were left out because they have no date.';
COMMENT ON COLUMN backfill_pages.before IS 'Whether all that it lists is older than the range.';
COMMENT ON COLUMN backfill_pages.archive_part IS 'The part of the archive that holds it, a path below the archive''s root.';
COMMENT ON COLUMN backfill_pages.archive_offset IS 'Where in the part the record begins, in bytes.';
COMMENT ON COLUMN backfill_pages.archive_length IS 'How long the record is, in bytes.';
COMMENT ON COLUMN backfill_pages.archive_sha256 IS 'SHA-256 recorded by the archive for it.';
COMMENT ON COLUMN backfill_pages.run_id IS 'The run that found it or last tried it.';
