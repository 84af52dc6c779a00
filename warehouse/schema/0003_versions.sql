-- Articles change: the latest version stands in `articles`, those before it in `article_versions`.
ALTER TABLE entries ADD COLUMN fingerprint VARCHAR;
ALTER TABLE entries ADD COLUMN revisions INTEGER DEFAULT 0;
ALTER TABLE entries ADD COLUMN fetched_at TIMESTAMP;
ALTER TABLE entries ADD COLUMN archive_part VARCHAR;
ALTER TABLE entries ADD COLUMN archive_offset BIGINT;
ALTER TABLE entries ADD COLUMN archive_length BIGINT;
ALTER TABLE entries ADD COLUMN archive_sha256 VARCHAR;
COMMENT ON TABLE entries IS 'Every item that a feed ever listed: dates and links as first seen, words as the feed last gave them.';
COMMENT ON COLUMN entries.updated_at IS 'When the feed says that it was last changed, UTC, as told with its words.';
COMMENT ON COLUMN entries.fingerprint IS 'Digest of title, summary and content; NULL for entries that no poll has listed since schema 3.';
COMMENT ON COLUMN entries.revisions IS 'How often the feed has changed them.';
COMMENT ON COLUMN entries.fetched_at IS 'When the feed that gave these words came, UTC.';
COMMENT ON COLUMN entries.archive_part IS 'The part of the archive that holds that feed, a path below the archive''s root.';
COMMENT ON COLUMN entries.archive_offset IS 'Where in the part the record begins, in bytes.';
COMMENT ON COLUMN entries.archive_length IS 'How long the record is, in bytes.';
COMMENT ON COLUMN entries.archive_sha256 IS 'SHA-256 recorded by the archive for it.';
ALTER TABLE outcomes ADD COLUMN revisit_at TIMESTAMP;
COMMENT ON COLUMN outcomes.revisit_at IS 'From when on its stored article is asked for again, UTC, as the feed has changed its words; NULL if it is not.';
ALTER TABLE articles ADD COLUMN modified_on DATE;
ALTER TABLE articles ADD COLUMN modified_at TIMESTAMP;
ALTER TABLE articles ADD COLUMN modified_basis VARCHAR;
ALTER TABLE articles ADD COLUMN modified_precision VARCHAR;
ALTER TABLE articles ADD COLUMN soft_404 BOOLEAN DEFAULT 'false';
ALTER TABLE articles ADD COLUMN etag VARCHAR;
ALTER TABLE articles ADD COLUMN last_modified VARCHAR;
ALTER TABLE articles ADD COLUMN version INTEGER DEFAULT 1;
COMMENT ON COLUMN articles.modified_on IS 'Day of the last change as stated; NULL if none is stated.';
COMMENT ON COLUMN articles.modified_at IS 'Time of the last change, UTC, where a time was stated.';
COMMENT ON COLUMN articles.modified_basis IS 'Where that date comes from: feed or meta.';
COMMENT ON COLUMN articles.modified_precision IS 'time or day: how exactly it was stated.';
COMMENT ON COLUMN articles.soft_404 IS 'Whether the page, although it answered 200, was not the article.';
COMMENT ON COLUMN articles.etag IS 'ETag header of the page, for asking whether it has changed.';
COMMENT ON COLUMN articles.last_modified IS 'Last-Modified header of the page, likewise.';
COMMENT ON COLUMN articles.version IS '1 for the text as first read, one more for each change of it.';
CREATE TABLE article_versions (
    article_id VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    title VARCHAR NOT NULL,
    text VARCHAR NOT NULL,
    published_on DATE,
    modified_on DATE,
    modified_at TIMESTAMP,
    fetched_at TIMESTAMP NOT NULL,
    archive_part VARCHAR,
    archive_offset BIGINT,
    archive_length BIGINT,
    archive_sha256 VARCHAR,
    run_id VARCHAR NOT NULL
);
COMMENT ON TABLE article_versions IS 'Texts of articles that a later version has replaced.';
COMMENT ON COLUMN article_versions.article_id IS 'Key, with version: the article.';
COMMENT ON COLUMN article_versions.version IS 'Key, with article_id: 1 for the text as first read.';
COMMENT ON COLUMN article_versions.title IS 'Title.';
COMMENT ON COLUMN article_versions.text IS 'Title, a blank line, body, as in articles.';
COMMENT ON COLUMN article_versions.published_on IS 'Day of publication that this version stated.';
COMMENT ON COLUMN article_versions.modified_on IS 'Day of the last change that this version stated.';
COMMENT ON COLUMN article_versions.modified_at IS 'Time of the last change that this version stated, UTC.';
COMMENT ON COLUMN article_versions.fetched_at IS 'When this version came, UTC.';
COMMENT ON COLUMN article_versions.archive_part IS 'The part of the archive that holds the page, a path below the archive''s root.';
COMMENT ON COLUMN article_versions.archive_offset IS 'Where in the part the record begins, in bytes.';
COMMENT ON COLUMN article_versions.archive_length IS 'How long the record is, in bytes.';
COMMENT ON COLUMN article_versions.archive_sha256 IS 'SHA-256 recorded by the archive for it.';
COMMENT ON COLUMN article_versions.run_id IS 'The run that stored it.';

CREATE TABLE revisits (
    run_id VARCHAR NOT NULL,
    entry_id VARCHAR NOT NULL,
    article_id VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL,
    detail VARCHAR,
    visited_at TIMESTAMP NOT NULL,
    archive_part VARCHAR,
    archive_offset BIGINT,
    archive_length BIGINT,
    archive_sha256 VARCHAR
);
COMMENT ON TABLE revisits IS 'How asking again for a stored article ended, each time that its feed had changed its words.';
COMMENT ON COLUMN revisits.run_id IS 'Key, with entry_id: the run.';
COMMENT ON COLUMN revisits.entry_id IS 'Key, with run_id: the entry that brought the article.';
COMMENT ON COLUMN revisits.article_id IS 'The article.';
COMMENT ON COLUMN revisits.outcome IS 'changed (a new version), unchanged, not_modified (the server''s word), kept (what came was no article) or failed.';
COMMENT ON COLUMN revisits.detail IS 'Why the stored version was kept, or the failure, in words.';
COMMENT ON COLUMN revisits.visited_at IS 'When it was asked for, UTC.';
COMMENT ON COLUMN revisits.archive_part IS 'The part of the archive that holds what came, a path below the archive''s root.';
COMMENT ON COLUMN revisits.archive_offset IS 'Where in the part the record begins, in bytes.';
COMMENT ON COLUMN revisits.archive_length IS 'How long the record is, in bytes.';
COMMENT ON COLUMN revisits.archive_sha256 IS 'SHA-256 recorded by the archive for it.';
