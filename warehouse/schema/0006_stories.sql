-- Stories are trees: an article's parent is the most similar of its copies that was published before it. Signatures stay
-- in `story_members`; their bands, by which copies are found with one join, are in a table of their own.

ALTER TABLE story_members DROP COLUMN position;
ALTER TABLE story_members ADD COLUMN body UBIGINT;
ALTER TABLE story_members ADD COLUMN digest BLOB;
ALTER TABLE story_members ADD COLUMN published_on DATE;
ALTER TABLE story_members ADD COLUMN parent_id VARCHAR;
ALTER TABLE story_members ADD COLUMN similarity DOUBLE;
COMMENT ON COLUMN story_members.story_id IS 'The story, named after the article that founds it.';
COMMENT ON COLUMN story_members.body IS 'Number of the body, made from it; NULL until an article of an older schema is placed anew.';
COMMENT ON COLUMN story_members.digest IS 'What is looked at before a text is fetched to compare it: some bits of the signature.';
COMMENT ON COLUMN story_members.published_on IS 'Day of publication, as in articles: parents are published first.';
COMMENT ON COLUMN story_members.parent_id IS 'The article that it copies; NULL for the one that founds the story.';
COMMENT ON COLUMN story_members.similarity IS 'Jaccard similarity to the parent''s body, 1 for the same words; 0 without a parent.';

CREATE TABLE story_bands (
    band UINTEGER NOT NULL,
    body UBIGINT NOT NULL
);
COMMENT ON TABLE story_bands IS 'What finds copies: bodies that share a band may be copies of each other.';
COMMENT ON COLUMN story_bands.band IS 'Hash of some values of the body''s MinHash, or of all its words.';
COMMENT ON COLUMN story_bands.body IS 'The body''s number, as in story_members.';

UPDATE story_members SET similarity = 0;
