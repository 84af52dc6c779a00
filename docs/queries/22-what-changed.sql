-- What has changed since the run before?
--
-- `changes_since` takes a run, a time or a position in the table `changes`, and gives one row per event that is new,
-- gone or otherwise than then. Here, summed up: what the last run has changed. Where there was but one run, all is new.
--
-- **Traps.** Remember the highest `position` that you have seen rather than a day: a run may end while you read. An
-- event may change because more was read, because an article was corrected, because a person decided, or because the
-- program has: `runs` names the model and version of each run. After `clampdown rebuild` the log begins anew.
WITH before AS (
    SELECT run_id FROM runs WHERE finished_at IS NOT NULL ORDER BY started_at DESC LIMIT 1 OFFSET 1
)
SELECT c.kind, e.status, count(*) AS events, count(*) FILTER (WHERE e.side = 'restricting') AS restricting
FROM changes_since(coalesce((SELECT run_id FROM before), '2000-01-01')) AS c LEFT JOIN events AS e USING (event_id)
GROUP BY ALL
ORDER BY events DESC, c.kind, e.status;
