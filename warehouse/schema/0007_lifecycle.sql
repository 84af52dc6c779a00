-- What was known when: the fields and the steps of each event as they stood between two days of knowledge.

CREATE TABLE event_history (
    event_id VARCHAR NOT NULL,
    known_from DATE,
    known_to DATE,
    action VARCHAR NOT NULL,
    side VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    country VARCHAR NOT NULL,
    service_canonical VARCHAR NOT NULL,
    actor_canonical VARCHAR,
    actor_kind VARCHAR,
    scope VARCHAR,
    scope_class VARCHAR,
    date_value VARCHAR,
    date_from DATE,
    date_to DATE,
    lifted BOOLEAN NOT NULL,
    reason_classes VARCHAR[] NOT NULL,
    first_reported DATE,
    last_reported DATE,
    stories INTEGER NOT NULL,
    articles INTEGER NOT NULL,
    voices INTEGER NOT NULL,
    score DOUBLE NOT NULL,
    retracted BOOLEAN NOT NULL,
    dismissed BOOLEAN NOT NULL
);
COMMENT ON TABLE event_history IS 'What was known of each event between two days, from the words that were held then. Asked by known_on and in_force_on.';
COMMENT ON COLUMN event_history.event_id IS 'Key, with known_from: the event, by the id that it has now.';
COMMENT ON COLUMN event_history.known_from IS 'First day, UTC, on which this was what was known; NULL if the day was not kept.';
COMMENT ON COLUMN event_history.known_to IS 'First day, UTC, on which something else was known; NULL while this is.';
COMMENT ON COLUMN event_history.action IS 'What is done: ban, block, suspend, limit, remove, warn, investigate, penalize or lift.';
COMMENT ON COLUMN event_history.side IS 'restricting, pressing or easing: on which side the action stands.';
COMMENT ON COLUMN event_history.status IS 'How far it had come: in_force, announced, proposed or rejected.';
COMMENT ON COLUMN event_history.country IS 'ISO 3166-1 alpha-2 code of the actor''s country; EU for the Union, XX if it can''t be told.';
COMMENT ON COLUMN event_history.service_canonical IS 'Usual English name of what is restricted.';
COMMENT ON COLUMN event_history.actor_canonical IS 'Full English name of who restricts; NULL if no text said.';
COMMENT ON COLUMN event_history.actor_kind IS 'What sort of body the actor is.';
COMMENT ON COLUMN event_history.scope IS 'For whom, on what or where, in the words of an article; NULL if not stated.';
COMMENT ON COLUMN event_history.scope_class IS 'For whom or where, coarsely.';
COMMENT ON COLUMN event_history.date_value IS 'When, as exact as stated: YYYY-MM-DD, YYYY-MM or YYYY; NULL if no text said.';
COMMENT ON COLUMN event_history.date_from IS 'First day that date_value allows; NULL with it.';
COMMENT ON COLUMN event_history.date_to IS 'Last day that date_value allows; NULL with it.';
COMMENT ON COLUMN event_history.lifted IS 'Whether it was known to have ended: lifted, or struck down by a court.';
COMMENT ON COLUMN event_history.reason_classes IS 'Why, in the words of the one who restricts, as classes.';
COMMENT ON COLUMN event_history.first_reported IS 'Publication day of the earliest dated article. Not the day of the event.';
COMMENT ON COLUMN event_history.last_reported IS 'Publication day of the latest dated article.';
COMMENT ON COLUMN event_history.stories IS 'How many stories carried it.';
COMMENT ON COLUMN event_history.articles IS 'How many articles stated it.';
COMMENT ON COLUMN event_history.voices IS 'How many of the stories were independent: neither the same text nor the same owner.';
COMMENT ON COLUMN event_history.score IS 'Probability that it is a restriction event.';
COMMENT ON COLUMN event_history.retracted IS 'Whether every article that had stated it had withdrawn that.';
COMMENT ON COLUMN event_history.dismissed IS 'Whether a person had said that it is no restriction event.';

CREATE TABLE transition_history (
    event_id VARCHAR NOT NULL,
    known_from DATE,
    known_to DATE,
    kind VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    action VARCHAR NOT NULL,
    date_value VARCHAR,
    date_from DATE,
    date_to DATE,
    reported_on DATE,
    learned_on DATE,
    mention_id VARCHAR NOT NULL,
    detail VARCHAR
);
COMMENT ON TABLE transition_history IS 'What was known of each step in an event''s life between two days.';
COMMENT ON COLUMN transition_history.event_id IS 'The event, by the id that it has now.';
COMMENT ON COLUMN transition_history.known_from IS 'First day, UTC, on which this was what was known of the step; NULL if the day was not kept.';
COMMENT ON COLUMN transition_history.known_to IS 'First day, UTC, on which something else was known of it, or nothing; NULL while this is.';
COMMENT ON COLUMN transition_history.kind IS 'As in event_transitions.';
COMMENT ON COLUMN transition_history.status IS 'The status it reached.';
COMMENT ON COLUMN transition_history.action IS 'The action that was then reported; lift where the restriction ended or eased.';
COMMENT ON COLUMN transition_history.date_value IS 'When, as exact as stated; NULL if not stated.';
COMMENT ON COLUMN transition_history.date_from IS 'First day that date_value allows; NULL with it.';
COMMENT ON COLUMN transition_history.date_to IS 'Last day that date_value allows; NULL with it.';
COMMENT ON COLUMN transition_history.reported_on IS 'Publication day of the earliest article that showed it; NULL if that has none.';
COMMENT ON COLUMN transition_history.learned_on IS 'Day, UTC, on which we first held words that state it.';
COMMENT ON COLUMN transition_history.mention_id IS 'The mention that showed it.';
COMMENT ON COLUMN transition_history.detail IS 'What changed, where the other columns do not say it.';

CREATE TABLE event_origins (
    event_id VARCHAR NOT NULL,
    origin_id VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL
);
COMMENT ON TABLE event_origins IS 'Where an event came from that parted from another, which lives on under its own id.';
COMMENT ON COLUMN event_origins.event_id IS 'Key, with origin_id: the event that has parted.';
COMMENT ON COLUMN event_origins.origin_id IS 'The event from which it took mentions.';
COMMENT ON COLUMN event_origins.run_id IS 'The run that parted them.';
