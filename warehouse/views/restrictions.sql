CREATE VIEW restrictions AS
WITH ends AS (
    SELECT
        event_id,
        kind AS end_kind,
        date_value AS ended_on,
        date_from AS ended_from,
        date_to AS ended_to,
        reported_on AS end_reported
    FROM event_transitions
    WHERE kind IN ('lifted', 'struck_down')
    QUALIFY row_number() OVER (
        PARTITION BY event_id ORDER BY coalesce(date_from, reported_on, DATE '0001-01-01'), position
    ) = 1
)
SELECT
    i.event_id,
    i.service_canonical,
    i.country,
    i.actor_canonical,
    i.actor_kind,
    i.action,
    i.scope,
    i.scope_class,
    i.reason_classes,
    i.date_value,
    i.date_from,
    i.date_to,
    i.first_reported,
    i.last_reported,
    i.voices,
    i.stories,
    i.articles,
    i.score,
    i.learned_on,
    i.lifted,
    n.end_kind,
    n.ended_on,
    n.ended_from,
    n.ended_to,
    n.end_reported,
    i.date_precision,
    i.category,
    i.sector
-- A condition on one side only would have the join made pair by pair.
FROM imposed AS i LEFT JOIN ends AS n ON n.event_id = CASE WHEN i.lifted THEN i.event_id END;

COMMENT ON VIEW restrictions IS 'What to count by default: bans, blocks, suspensions, limits and removals that took force, ended or not. What was only proposed or announced, was rejected, retracted by the press or dismissed by a person is left out.';
COMMENT ON COLUMN restrictions.event_id IS 'Key: the event.';
COMMENT ON COLUMN restrictions.service_canonical IS 'Usual English name of what is restricted.';
COMMENT ON COLUMN restrictions.country IS 'ISO 3166-1 alpha-2 code of the actor''s country; EU for the Union, XX if it can''t be told.';
COMMENT ON COLUMN restrictions.actor_canonical IS 'Full English name of who restricts; NULL if no text says.';
COMMENT ON COLUMN restrictions.actor_kind IS 'What sort of body the actor is.';
COMMENT ON COLUMN restrictions.action IS 'ban, block, suspend, limit or remove.';
COMMENT ON COLUMN restrictions.scope IS 'For whom, on what or where, in the words of an article; NULL if not stated.';
COMMENT ON COLUMN restrictions.scope_class IS 'For whom or where, coarsely.';
COMMENT ON COLUMN restrictions.reason_classes IS 'Why, in the words of the one who restricts, as classes.';
COMMENT ON COLUMN restrictions.date_value IS 'When, as exact as stated: YYYY-MM-DD, YYYY-MM or YYYY; NULL if no text says.';
COMMENT ON COLUMN restrictions.date_from IS 'First day that date_value allows; NULL with it.';
COMMENT ON COLUMN restrictions.date_to IS 'Last day that date_value allows; NULL with it.';
COMMENT ON COLUMN restrictions.first_reported IS 'Publication day of the earliest dated article. Not the day of the event.';
COMMENT ON COLUMN restrictions.last_reported IS 'Publication day of the latest dated article.';
COMMENT ON COLUMN restrictions.voices IS 'How many of the stories that carry it are independent: neither the same text nor the same owner.';
COMMENT ON COLUMN restrictions.stories IS 'How many stories carry it.';
COMMENT ON COLUMN restrictions.articles IS 'How many articles state it.';
COMMENT ON COLUMN restrictions.score IS 'Probability that it is a restriction event.';
COMMENT ON COLUMN restrictions.learned_on IS 'Day, UTC, on which we first held words that state it.';
COMMENT ON COLUMN restrictions.lifted IS 'Whether it has ended: lifted by who imposed it, or struck down by a court. What was only eased has not.';
COMMENT ON COLUMN restrictions.end_kind IS 'lifted or struck_down; NULL while it stands.';
COMMENT ON COLUMN restrictions.ended_on IS 'When it ended, as exact as stated; NULL if not stated.';
COMMENT ON COLUMN restrictions.ended_from IS 'First day that the stated date of its end allows; NULL if none is stated.';
COMMENT ON COLUMN restrictions.ended_to IS 'Last day that the stated date of its end allows; NULL if none is stated.';
COMMENT ON COLUMN restrictions.end_reported IS 'Publication day of the earliest dated article that reports its end; NULL if none does.';
COMMENT ON COLUMN restrictions.date_precision IS 'day, month or year: how exact date_value is; NULL with it.';
COMMENT ON COLUMN restrictions.category IS 'What sort of service it is, by the registry; NULL if it is not in there.';
COMMENT ON COLUMN restrictions.sector IS 'Where it bites: public administration, defence, education, business, critical infrastructure, trade, general public or other. By the class of the scope; without one by who acts (an army, a school and a company bind their own, a public body everyone); NULL if neither tells.';
