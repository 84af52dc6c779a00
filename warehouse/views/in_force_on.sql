CREATE MACRO in_force_on(d, known := NULL) AS TABLE
WITH held AS (
    SELECT * FROM event_history
    WHERE coalesce(known_from, DATE '0001-01-01') <= CAST(known AS DATE)
        AND (known_to IS NULL OR known_to > CAST(known AS DATE))
),
ends AS (
    SELECT event_id FROM transition_history
    WHERE kind IN ('lifted', 'struck_down')
        AND coalesce(known_from, DATE '0001-01-01') <= CAST(known AS DATE)
        AND (known_to IS NULL OR known_to > CAST(known AS DATE))
        AND coalesce(date_from, reported_on, DATE '0001-01-01') <= CAST(d AS DATE)
)
SELECT
    event_id, service_canonical, country, actor_canonical, actor_kind, action, scope, scope_class, reason_classes,
    date_value, date_from, date_to, first_reported, last_reported, voices, stories, articles, score
FROM restrictions
WHERE known IS NULL
    AND date_to <= CAST(d AS DATE)
    AND NOT (lifted AND coalesce(ended_from, end_reported, DATE '0001-01-01') <= CAST(d AS DATE))
UNION ALL
SELECT
    event_id, service_canonical, country, actor_canonical, actor_kind, action, scope, scope_class, reason_classes,
    date_value, date_from, date_to, first_reported, last_reported, voices, stories, articles, score
FROM held
WHERE side = 'restricting' AND status = 'in_force' AND NOT retracted AND NOT dismissed AND date_to <= CAST(d AS DATE)
    AND event_id NOT IN (SELECT event_id FROM ends);

COMMENT ON MACRO TABLE in_force_on IS 'Restrictions that were surely in force on a day: from the last day that their date allows until the first day that the date of their end allows, or the day it was reported. What was only eased still counts; undated restrictions are left out. With a second day, known: by what was known on that day.';
