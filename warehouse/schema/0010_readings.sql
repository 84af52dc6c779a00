-- By which model a text was read for events: known so far only of texts that state some.
-- No column is added with a DEFAULT: DuckDB 1.5.5 can't commit several of them on one table that holds rows.

ALTER TABLE articles ADD COLUMN model VARCHAR;
COMMENT ON COLUMN articles.model IS 'Revision of the model that has read it for events, whether it found any or not; NULL if that is not known.';
ALTER TABLE article_versions ADD COLUMN model VARCHAR;
COMMENT ON COLUMN article_versions.model IS 'Revision of the model that has read it for events, whether it found any or not; NULL if that is not known.';
UPDATE articles SET model = r.model FROM runs AS r WHERE r.run_id = articles.run_id;
UPDATE article_versions SET model = r.model FROM runs AS r WHERE r.run_id = article_versions.run_id;
