-- No column is added with a DEFAULT: DuckDB 1.5.5 can't commit several of them on one table that holds rows.
-- What resolving needs of a mention without its article, and happenings: what the machine holds to be one, from which
-- events come once people have had their say.

ALTER TABLE mentions ADD COLUMN reported_on DATE;
ALTER TABLE mentions ADD COLUMN learned_on DATE;
ALTER TABLE mentions ADD COLUMN withdrawn_on DATE;
ALTER TABLE mentions ADD COLUMN version INTEGER;
ALTER TABLE mentions ADD COLUMN edition INTEGER;
ALTER TABLE mentions ADD COLUMN corrects VARCHAR;
ALTER TABLE mentions ADD COLUMN context_words VARCHAR;
ALTER TABLE mentions ADD COLUMN context_names VARCHAR;
COMMENT ON COLUMN mentions.block IS 'The service, and the country or company that acts: within it mentions may be one event.';
COMMENT ON COLUMN mentions.reported_on IS 'Publication day of the article version that states it; NULL if that has none.';
COMMENT ON COLUMN mentions.learned_on IS 'Day, UTC, on which we fetched the first version of the article that states it.';
COMMENT ON COLUMN mentions.withdrawn_on IS 'Day, UTC, on which we fetched the version that states it no longer; NULL while it is stated.';
COMMENT ON COLUMN mentions.version IS 'The version of the article''s text to which the offsets refer.';
COMMENT ON COLUMN mentions.edition IS 'How many mentions of the same words the article had withdrawn before it stated this one.';
COMMENT ON COLUMN mentions.corrects IS 'The mention of an earlier version of the article that this one corrects in a field, if any.';
COMMENT ON COLUMN mentions.context_words IS 'Telling words around the trigger, folded, with spaces between them: what reports of one happening share.';
COMMENT ON COLUMN mentions.context_names IS 'Names around the trigger, folded, with spaces between them.';
-- What was stored before is held to have been learned with the text that stands: claims of earlier ones were not kept.
-- The context is read when the warehouse is next opened, by the program (`warehouse.tables.mentions.fill_contexts`).
UPDATE mentions
SET reported_on = a.published_on, learned_on = CAST(a.fetched_at AS DATE), version = coalesce(a.version, 1), edition = 0
FROM articles AS a
WHERE a.article_id = mentions.article_id;

CREATE TABLE happenings (
    happening_id VARCHAR NOT NULL,
    event_id VARCHAR NOT NULL,
    block VARCHAR NOT NULL,
    month VARCHAR NOT NULL,
    last_month VARCHAR NOT NULL,
    first_day DATE,
    last_day DATE,
    bodies VARCHAR[] NOT NULL,
    ends_id VARCHAR
);
COMMENT ON TABLE happenings IS 'Mentions that the machine holds to be one. An event is one of them, or several that a person has joined.';
COMMENT ON COLUMN happenings.happening_id IS 'Key. Made from service, actor, action and the month of its first report.';
COMMENT ON COLUMN happenings.event_id IS 'The event to which it belongs.';
COMMENT ON COLUMN happenings.block IS 'The block of its mentions.';
COMMENT ON COLUMN happenings.month IS 'Month of its first report, YYYY-MM; empty if no article is dated.';
COMMENT ON COLUMN happenings.last_month IS 'Month of its latest report, YYYY-MM; empty if no article is dated.';
COMMENT ON COLUMN happenings.first_day IS 'First day that is stated or reported of it.';
COMMENT ON COLUMN happenings.last_day IS 'Last day that is stated or reported of it.';
COMMENT ON COLUMN happenings.bodies IS 'Names of its actors, reduced to what is compared.';
COMMENT ON COLUMN happenings.ends_id IS 'The happening that this one, a court''s ruling, struck down; NULL otherwise.';

ALTER TABLE event_mentions ADD COLUMN happening_id VARCHAR;
COMMENT ON COLUMN event_mentions.happening_id IS 'The happening that it was placed in by the machine.';

ALTER TABLE events ADD COLUMN voices INTEGER;
ALTER TABLE events ADD COLUMN learned_on DATE;
ALTER TABLE events ADD COLUMN retracted BOOLEAN;
ALTER TABLE events ADD COLUMN dismissed BOOLEAN;
COMMENT ON COLUMN events.voices IS 'How many stories carry it that are independent: neither the same text nor the same owner.';
COMMENT ON COLUMN events.learned_on IS 'Day, UTC, on which we first held words that state it.';
COMMENT ON COLUMN events.retracted IS 'Whether every article that stated it has withdrawn that.';
COMMENT ON COLUMN events.dismissed IS 'Whether a person has said that it is no restriction event.';

ALTER TABLE event_transitions ADD COLUMN kind VARCHAR;
ALTER TABLE event_transitions ADD COLUMN learned_on DATE;
ALTER TABLE event_transitions ADD COLUMN detail VARCHAR;
COMMENT ON COLUMN event_transitions.kind IS 'proposed, announced, in_force, extended, widened, eased, lifted, struck_down, rejected, corrected, retracted or reviewed.';
COMMENT ON COLUMN event_transitions.learned_on IS 'Day, UTC, on which we first held words that state it.';
COMMENT ON COLUMN event_transitions.detail IS 'What changed, where the other columns do not say it.';

CREATE TABLE unsure_pairs (
    happening_a VARCHAR NOT NULL,
    happening_b VARCHAR NOT NULL,
    block VARCHAR NOT NULL,
    month VARCHAR NOT NULL,
    points DOUBLE NOT NULL,
    why VARCHAR NOT NULL,
    mention_a VARCHAR NOT NULL,
    mention_b VARCHAR NOT NULL
);
COMMENT ON TABLE unsure_pairs IS 'Happenings that may be one and may be two: for a person to decide (`clampdown review`).';
COMMENT ON COLUMN unsure_pairs.happening_a IS 'Key, with happening_b: the one.';
COMMENT ON COLUMN unsure_pairs.happening_b IS 'Key, with happening_a: the other.';
COMMENT ON COLUMN unsure_pairs.block IS 'The block of both.';
COMMENT ON COLUMN unsure_pairs.month IS 'Month of the reports that raised the question, YYYY-MM.';
COMMENT ON COLUMN unsure_pairs.points IS 'What the table of features adds up to.';
COMMENT ON COLUMN unsure_pairs.why IS 'The features, in words.';
COMMENT ON COLUMN unsure_pairs.mention_a IS 'The mention of the one that is nearest to the other.';
COMMENT ON COLUMN unsure_pairs.mention_b IS 'The mention of the other that is nearest to the one.';

UPDATE events SET voices = stories, learned_on = first_reported, retracted = false, dismissed = false;
UPDATE event_transitions SET kind = CASE WHEN action = 'lift' THEN 'lifted' ELSE status END;
