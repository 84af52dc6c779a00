CREATE MACRO lead_lag(a, b, basis := 'stated', public_only := false, min_voices := 1) AS TABLE
WITH shared AS (
    FROM lead_lag_services(a, b, basis := basis, public_only := public_only, min_voices := min_voices)
),
summed AS (
    SELECT
        count(*) AS services,
        count(days_min) AS dated,
        count(*) - count(days_min) AS undated,
        count(*) FILTER (WHERE days_min > 0) AS a_first,
        count(*) FILTER (WHERE days_max < 0) AS b_first,
        count(*) FILTER (WHERE days_min = 0 AND days_max = 0) AS same_day,
        count(*) FILTER (WHERE days_min <= 0 AND days_max >= 0 AND days_min < days_max) AS unclear,
        median(days_min) AS median_days_min,
        median(days_max) AS median_days_max,
        avg(days_min) AS mean_days_min,
        avg(days_max) AS mean_days_max
    FROM shared
)
SELECT upper(a) AS country_a, upper(b) AS country_b, *
FROM summed;

COMMENT ON MACRO TABLE lead_lag IS 'Who leads and who follows: over the services that two countries (by code) both restricted, how often each was surely first, and by how many days, positive where a was first. Services that one of them restricted on no stated date are counted in undated and left out of medians and means.';
