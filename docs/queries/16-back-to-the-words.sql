-- Which words say so?
--
-- Every figure leads back to quotes. Here: the dates that put South Korea first in query 5, with the words that state
-- them and what stands around them in the stored text.
--
-- **Traps.** Offsets count from 0 and slices in DuckDB from 1. Offsets belong to the version in `version`: where an
-- article has changed since, its old text is in `article_versions`. A quote is exact; what was made of it (`value`) may
-- be wrong, as here: the year is that in which banks had to
-- cut their core networks off, nothing that was done to DeepSeek.
SELECT DISTINCT
    e.value,
    e.quote,
    replace(a.text[greatest(1, e.quote_start - 99) : e.quote_end + 20], chr(10), ' ') AS around,
    e.source,
    e.title
FROM evidence AS e JOIN restrictions AS r USING (event_id) JOIN articles AS a USING (article_id)
WHERE r.service_canonical = 'DeepSeek' AND r.country = 'KR' AND e.field = 'date' AND e.version = a.version
ORDER BY e.value, e.source, e.title
LIMIT 5;
