CREATE VIEW lifetimes AS
WITH looked AS (
    SELECT max(day) FILTER (WHERE fetched > 0 OR polls > 0) AS until FROM coverage
),
bounds AS (
    SELECT
        *,
        CASE
            WHEN NOT lifted THEN greatest(0, until - date_to)
            WHEN ended_from IS NOT NULL THEN greatest(0, ended_from - date_to)
            ELSE 0
        END AS shortest,
        CASE WHEN lifted THEN coalesce(ended_to, end_reported, until) - date_from END AS longest
    FROM restrictions CROSS JOIN looked
)
SELECT
    event_id,
    service_canonical,
    category,
    country,
    actor_canonical,
    actor_kind,
    action,
    scope_class,
    sector,
    date_value AS began_on,
    date_from AS began_from,
    date_to AS began_to,
    date_precision,
    end_kind,
    ended_on,
    ended_from,
    coalesce(ended_to, end_reported) AS ended_to,
    CASE
        WHEN ended_from IS NOT NULL THEN 'stated'
        WHEN end_reported IS NOT NULL THEN 'reported'
    END AS end_basis,
    NOT lifted AS censored,
    CASE
        WHEN date_from IS NULL THEN 'undated'
        WHEN NOT lifted THEN 'open'
        WHEN longest < 0 THEN 'contradictory'
        ELSE 'ended'
    END AS state,
    CASE WHEN date_from IS NOT NULL AND coalesce(longest, 0) >= 0 THEN shortest END AS days_min,
    CASE WHEN date_from IS NOT NULL AND longest >= 0 THEN longest END AS days_max
FROM bounds;

COMMENT ON VIEW lifetimes IS 'How long each restriction lasted or, if it has not ended, has lasted at least. An average over those that ended alone is too short: see survival.';
COMMENT ON COLUMN lifetimes.event_id IS 'Key: the event.';
COMMENT ON COLUMN lifetimes.service_canonical IS 'Usual English name of what is restricted.';
COMMENT ON COLUMN lifetimes.category IS 'What sort of service it is, by the registry.';
COMMENT ON COLUMN lifetimes.country IS 'ISO 3166-1 alpha-2 code of the actor''s country; EU for the Union, XX if it can''t be told.';
COMMENT ON COLUMN lifetimes.actor_canonical IS 'Full English name of who restricts; NULL if no text says.';
COMMENT ON COLUMN lifetimes.actor_kind IS 'What sort of body the actor is.';
COMMENT ON COLUMN lifetimes.action IS 'ban, block, suspend, limit or remove.';
COMMENT ON COLUMN lifetimes.scope_class IS 'For whom or where, coarsely.';
COMMENT ON COLUMN lifetimes.sector IS 'Where it bites, as in restrictions.';
COMMENT ON COLUMN lifetimes.began_on IS 'When it began, as exact as stated; NULL if no text says.';
COMMENT ON COLUMN lifetimes.began_from IS 'First day that began_on allows; NULL with it.';
COMMENT ON COLUMN lifetimes.began_to IS 'Last day that began_on allows; NULL with it.';
COMMENT ON COLUMN lifetimes.date_precision IS 'day, month or year: how exact began_on is; NULL with it.';
COMMENT ON COLUMN lifetimes.end_kind IS 'lifted or struck_down; NULL while it stands.';
COMMENT ON COLUMN lifetimes.ended_on IS 'When it ended, as exact as stated; NULL if not stated.';
COMMENT ON COLUMN lifetimes.ended_from IS 'First day that ended_on allows; NULL with it.';
COMMENT ON COLUMN lifetimes.ended_to IS 'Last day on which it can have ended: the last that ended_on allows or, without it, the day on which its end was reported.';
COMMENT ON COLUMN lifetimes.end_basis IS 'stated, or reported where only the report of its end is dated; NULL if neither is, and while it stands.';
COMMENT ON COLUMN lifetimes.censored IS 'True while it has not ended, as far as is known: days_min is then how long it has lasted, not its lifetime.';
COMMENT ON COLUMN lifetimes.state IS 'ended, open, undated (its beginning is not dated) or contradictory (its end is dated before its beginning).';
COMMENT ON COLUMN lifetimes.days_min IS 'Fewest days from beginning to end that the dates allow; for open ones to the last day on which we looked. NULL unless ended or open.';
COMMENT ON COLUMN lifetimes.days_max IS 'Most days that the dates allow; where not even a report dates the end, up to the last day on which we looked. NULL unless ended.';
