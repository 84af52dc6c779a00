-- How long do restrictions last?
--
-- What became of restrictions, by action: how many have ended, and after how many days (as a range, since dates are as
-- exact as they are stated).
--
-- **Traps.** Means over those that ended are far too short: most have not, and long ones had no time to. Share that
-- stands after so many days: `FROM survival('action')`, which takes the open ones into account. The press tells of a
-- beginning more often than of an end, so what is open here may be over.
SELECT
    action,
    count(*) FILTER (WHERE state = 'open') AS open,
    count(*) FILTER (WHERE state = 'ended') AS ended,
    count(*) FILTER (WHERE state = 'undated') AS undated,
    median(days_min) FILTER (WHERE state = 'ended') AS median_days_min,
    median(days_max) FILTER (WHERE state = 'ended') AS median_days_max
FROM lifetimes
GROUP BY action
ORDER BY ended DESC, open DESC, action;
