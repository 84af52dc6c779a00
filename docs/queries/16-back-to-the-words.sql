-- Which words say so?
--
-- Every figure leads back to quotes. Here: the event that puts South Korea first in query 5, with the words of each of its
-- fields, what they were taken to mean, and what stands around them in the stored text. Put the id of your event there; any
-- list of events has it.
--
-- **Traps.** Offsets count from 0, slices in DuckDB from 1. Offsets belong to the version in `version`: where an article
-- has changed since, its old text is in `article_versions`. A quote is exact; what was made of it (`value`) may be wrong,
-- as here: 2013 is the year in which banks had to cut their core networks off, and nothing was done to DeepSeek.
SELECT
    e.field,
    e.value,
    e.quote,
    replace(a.text[greatest(1, e.quote_start - 79) : e.quote_end + 40], chr(10), ' ') AS around,
    e.source,
    e.title
FROM evidence AS e JOIN articles AS a ON a.article_id = e.article_id AND a.version = e.version
WHERE e.event_id = '76386308a5459f3f2812'
ORDER BY e.source, e.title, e.quote_start, e.field;
