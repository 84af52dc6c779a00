CREATE TABLE stories AS
-- Most stories are one article: only the others are counted. No order is asked for: the rows come as those of articles.
WITH copied AS MATERIALIZED (
    SELECT DISTINCT story_id FROM story_members WHERE parent_id IS NOT NULL
),
carriers AS (
    SELECT
        m.story_id,
        a.source_id,
        count(*) AS articles,
        count(m.published_on) AS dated,
        min(m.published_on) AS first_published,
        max(m.published_on) AS last_published
    FROM story_members AS m SEMI JOIN copied USING (story_id) JOIN articles AS a USING (article_id)
    GROUP BY m.story_id, a.source_id
),
spread AS (
    SELECT
        c.story_id,
        CAST(sum(c.articles) AS BIGINT) AS articles,
        CAST(sum(c.articles - c.dated) AS BIGINT) AS undated,
        count(*) AS sources,
        count(DISTINCT coalesce(s.owner, c.source_id)) AS owners,
        min(c.first_published) AS first_published,
        max(c.last_published) AS last_published
    FROM carriers AS c LEFT JOIN sources AS s USING (source_id)
    GROUP BY c.story_id
)
SELECT
    f.story_id,
    f.article_id,
    a.title,
    a.source_id,
    a.language,
    coalesce(z.first_published, f.published_on) AS first_published,
    coalesce(z.last_published, f.published_on) AS last_published,
    coalesce(z.articles, 1) AS articles,
    coalesce(z.undated, if(f.published_on IS NULL, 1, 0)) AS undated,
    coalesce(z.sources, 1) AS sources,
    coalesce(z.owners, 1) AS owners
FROM articles AS a
    JOIN story_members AS f ON f.article_id = a.article_id AND f.parent_id IS NULL
    LEFT JOIN spread AS z ON z.story_id = f.story_id;

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
