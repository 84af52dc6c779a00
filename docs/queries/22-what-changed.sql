-- What has changed since I last looked?
--
-- `changes_since` takes a run, a time or a position in the table `changes`, and gives one row per event that is new,
-- gone or otherwise than then. Here: since the beginning, summed up.
--
-- **Traps.** Remember the highest `position` that you have seen rather than a day: a run may end while you read. An
-- event may change because more was read, because an article was corrected, because a person decided, or because the
-- program has: `runs` names the model and version of each run. After `clampdown rebuild` the log begins anew.
SELECT c.kind, e.status, count(*) AS events, count(*) FILTER (WHERE e.side = 'restricting') AS restricting
FROM changes_since('2000-01-01') AS c LEFT JOIN events AS e USING (event_id)
GROUP BY ALL
ORDER BY events DESC, c.kind, e.status;
