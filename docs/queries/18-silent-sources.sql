-- Which sources have gone quiet?
--
-- How each source fares: failing, gone, silent (it answers but has brought nothing for too long), or fine.
--
-- **Traps.** A source that is fine today may have been away last month: query 17 and the table `coverage` tell of the
-- past. `silent` needs at least two weeks of history, or `items_per_week` in the source list; a single run has neither.
SELECT name AS source, state, last_outcome, error, entries
FROM source_health
ORDER BY state = 'ok', source;
