-- How far a backfill has come, so that it can be resumed: one row per page of a feed's archive or sitemap.
CREATE TABLE backfill_pages (
    source_id VARCHAR NOT NULL,
    since DATE NOT NULL,
    until DATE NOT NULL,
    url VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    detail VARCHAR,
    entries INTEGER,
    new_entries INTEGER,
    run_id VARCHAR NOT NULL
);
COMMENT ON TABLE backfill_pages IS 'Pages of archives and sitemaps that a backfill found, and which it has read.';
COMMENT ON COLUMN backfill_pages.source_id IS 'Key, with since, until and url: the source.';
COMMENT ON COLUMN backfill_pages.since IS 'First day of the backfill.';
COMMENT ON COLUMN backfill_pages.until IS 'Last day of the backfill.';
COMMENT ON COLUMN backfill_pages.url IS 'The address of the page.';
COMMENT ON COLUMN backfill_pages.state IS 'waiting, read or failed.';
COMMENT ON COLUMN backfill_pages.detail IS 'The failure in words.';
COMMENT ON COLUMN backfill_pages.entries IS 'How many entries of the range it listed.';
COMMENT ON COLUMN backfill_pages.new_entries IS 'How many of them were not known before.';
COMMENT ON COLUMN backfill_pages.run_id IS 'The run that found or read it.';
