CREATE TABLE stories AS
WITH members AS (
    SELECT m.story_id, m.article_id, m.parent_id, a.source_id, a.published_on, s.owner
    FROM story_members AS m
        JOIN articles AS a USING (article_id)
        LEFT JOIN sources AS s USING (source_id)
),
sizes AS (
    SELECT
        story_id,
        count(*) AS articles,
        count(DISTINCT source_id) AS sources,
        count(DISTINCT coalesce(owner, source_id)) AS owners,
        min(published_on) AS first_published,
        max(published_on) AS last_published,
        count(*) - count(published_on) AS undated
    FROM members
    GROUP BY story_id
),
founders AS (
    SELECT story_id, article_id FROM members WHERE parent_id IS NULL
),
carried AS (
    SELECT s.story_id, count(DISTINCT e.event_id) AS events
    FROM event_mentions AS e JOIN mentions AS m USING (mention_id) JOIN story_members AS s USING (article_id)
    GROUP BY s.story_id
)
SELECT
    z.story_id,
    f.article_id,
    a.title,
    a.source_id,
    a.language,
    z.first_published,
    z.last_published,
    z.articles,
    z.undated,
    z.sources,
    z.owners,
    coalesce(c.events, 0) AS events
FROM sizes AS z
    JOIN founders AS f USING (story_id)
    JOIN articles AS a ON a.article_id = f.article_id
    LEFT JOIN carried AS c USING (story_id)
ORDER BY z.story_id;

COMMENT ON TABLE stories IS 'Articles that carry the same text, counted as one story. Most have a single article.';
COMMENT ON COLUMN stories.story_id IS 'Key, as in story_members.';
COMMENT ON COLUMN stories.article_id IS 'The article that founds it: the first published of those that carry it.';
COMMENT ON COLUMN stories.title IS 'Title of that article.';
COMMENT ON COLUMN stories.source_id IS 'Source of that article.';
COMMENT ON COLUMN stories.language IS 'ISO 639-1 code of the language of that article.';
COMMENT ON COLUMN stories.first_published IS 'Earliest day of publication among its articles; NULL if none states one.';
COMMENT ON COLUMN stories.last_published IS 'Latest day of publication among its articles; NULL if none states one.';
COMMENT ON COLUMN stories.articles IS 'How many articles carry it.';
COMMENT ON COLUMN stories.undated IS 'How many of them state no day of publication.';
COMMENT ON COLUMN stories.sources IS 'How many sources carry it.';
COMMENT ON COLUMN stories.owners IS 'How many owners of sources carry it; a source without a known owner counts as its own.';
COMMENT ON COLUMN stories.events IS 'How many events it states.';
