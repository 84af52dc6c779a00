-- No PRIMARY KEY, UNIQUE or INDEX: their recovery lost or doubled rows in DuckDB 1.4 and 1.5. Keys are derived from
-- content, and every write is an anti-join inside one transaction. Times are TIMESTAMP in UTC.

CREATE TABLE sources (
    source_id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    url VARCHAR NOT NULL,
    homepage VARCHAR,
    country VARCHAR,
    language VARCHAR,
    owner VARCHAR,
    topics VARCHAR[] NOT NULL,
    enabled BOOLEAN NOT NULL,
    items_per_week DOUBLE,
    listed BOOLEAN NOT NULL
);
COMMENT ON TABLE sources IS 'The feeds of the source list, and those that were on it once.';
COMMENT ON COLUMN sources.source_id IS 'Key: the id given in the source list.';
COMMENT ON COLUMN sources.name IS 'Name of the publication.';
COMMENT ON COLUMN sources.url IS 'Address of the feed.';
COMMENT ON COLUMN sources.homepage IS 'Address of the publication, if given.';
COMMENT ON COLUMN sources.country IS 'ISO 3166-1 alpha-2 code of the publication''s country, if given.';
COMMENT ON COLUMN sources.language IS 'ISO 639-1 code of its language, if given.';
COMMENT ON COLUMN sources.owner IS 'Who owns it, if given.';
COMMENT ON COLUMN sources.topics IS 'Topics given in the source list.';
COMMENT ON COLUMN sources.enabled IS 'Whether the source list has it polled.';
COMMENT ON COLUMN sources.items_per_week IS 'How many items a week the operator expects of it, if stated.';
COMMENT ON COLUMN sources.listed IS 'False once the source is no longer in the source list.';

CREATE TABLE feed_states (
    source_id VARCHAR NOT NULL,
    etag VARCHAR,
    last_modified VARCHAR,
    moved_to VARCHAR
);
COMMENT ON TABLE feed_states IS 'What the last successful poll of a source left behind for the next one.';
COMMENT ON COLUMN feed_states.source_id IS 'Key: the source.';
COMMENT ON COLUMN feed_states.etag IS 'ETag header of the last feed whose entries are stored.';
COMMENT ON COLUMN feed_states.last_modified IS 'Last-Modified header of the last feed whose entries are stored.';
COMMENT ON COLUMN feed_states.moved_to IS 'Where permanent redirects from the feed''s address lead, if there are any.';

CREATE TABLE services (
    service_id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    aliases VARCHAR[] NOT NULL,
    category VARCHAR NOT NULL,
    provider VARCHAR,
    provider_country VARCHAR
);
COMMENT ON TABLE services IS 'The registry of services and technologies.';
COMMENT ON COLUMN services.service_id IS 'Key: the id in the registry.';
COMMENT ON COLUMN services.name IS 'Usual English name, as in service_canonical elsewhere.';
COMMENT ON COLUMN services.aliases IS 'Other names that texts use.';
COMMENT ON COLUMN services.category IS 'What sort of service it is.';
COMMENT ON COLUMN services.provider IS 'Who provides it, if one provider does.';
COMMENT ON COLUMN services.provider_country IS 'ISO 3166-1 alpha-2 code of the provider''s country.';

CREATE TABLE bodies (
    body_id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    aliases VARCHAR[] NOT NULL,
    kind VARCHAR NOT NULL,
    country VARCHAR NOT NULL,
    part_of VARCHAR
);
COMMENT ON TABLE bodies IS 'The registry of public bodies and companies that restrict.';
COMMENT ON COLUMN bodies.body_id IS 'Key: the id in the registry.';
COMMENT ON COLUMN bodies.name IS 'Full English name, as in actor_canonical elsewhere.';
COMMENT ON COLUMN bodies.aliases IS 'Other names that texts use.';
COMMENT ON COLUMN bodies.kind IS 'What sort of body it is: government, ministry, regulator, court …';
COMMENT ON COLUMN bodies.country IS 'ISO 3166-1 alpha-2 code; EU for bodies of the European Union.';
COMMENT ON COLUMN bodies.part_of IS 'body_id of the body that it belongs to, if any.';

CREATE TABLE countries (
    code VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    aliases VARCHAR[] NOT NULL,
    demonyms VARCHAR[] NOT NULL,
    capital VARCHAR
);
COMMENT ON TABLE countries IS 'The registry of countries.';
COMMENT ON COLUMN countries.code IS 'Key: ISO 3166-1 alpha-2 code.';
COMMENT ON COLUMN countries.name IS 'English name.';
COMMENT ON COLUMN countries.aliases IS 'Other names that texts use.';
COMMENT ON COLUMN countries.demonyms IS 'Adjectives and names of its people.';
COMMENT ON COLUMN countries.capital IS 'Its capital, which texts use for its government.';

CREATE TABLE runs (
    run_id VARCHAR NOT NULL,
    started_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP,
    status VARCHAR NOT NULL,
    mode VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    version VARCHAR NOT NULL
);
COMMENT ON TABLE runs IS 'The log of runs: when we looked, with which program and model.';
COMMENT ON COLUMN runs.run_id IS 'Key: the id that rows elsewhere name as the run that wrote them.';
COMMENT ON COLUMN runs.started_at IS 'When the run began, UTC.';
COMMENT ON COLUMN runs.finished_at IS 'When it ended, UTC; NULL while it runs and after an interruption.';
COMMENT ON COLUMN runs.status IS 'running, interrupted (it never ended, and a later run began), or how it ended.';
COMMENT ON COLUMN runs.mode IS 'How the run was started.';
COMMENT ON COLUMN runs.model IS 'Revision of the extractor: weights, registries and decoding together.';
COMMENT ON COLUMN runs.version IS 'Version of the program.';

CREATE TABLE polls (
    run_id VARCHAR NOT NULL,
    source_id VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL,
    detail VARCHAR,
    fetched_at TIMESTAMP,
    entries INTEGER NOT NULL,
    new_entries INTEGER NOT NULL,
    archive_part VARCHAR,
    archive_offset BIGINT,
    archive_length BIGINT,
    archive_sha256 VARCHAR
);
COMMENT ON TABLE polls IS 'How each poll of each source ended.';
COMMENT ON COLUMN polls.run_id IS 'Key, with source_id: the run.';
COMMENT ON COLUMN polls.source_id IS 'Key, with run_id: the source.';
COMMENT ON COLUMN polls.outcome IS 'ok, not_modified, empty, or why the feed could not be read.';
COMMENT ON COLUMN polls.detail IS 'The failure, or what was odd about the feed, in words.';
COMMENT ON COLUMN polls.fetched_at IS 'When the response came, UTC; NULL if none did.';
COMMENT ON COLUMN polls.entries IS 'How many entries the feed listed.';
COMMENT ON COLUMN polls.new_entries IS 'How many of them were not known before.';
COMMENT ON COLUMN polls.archive_part IS 'The part of the archive that holds the response, a path below the archive''s root.';
COMMENT ON COLUMN polls.archive_offset IS 'Where in the part the record begins, in bytes.';
COMMENT ON COLUMN polls.archive_length IS 'How long the record is, in bytes.';
COMMENT ON COLUMN polls.archive_sha256 IS 'SHA-256 recorded by the archive for it.';

CREATE TABLE entries (
    entry_id VARCHAR NOT NULL,
    source_id VARCHAR NOT NULL,
    guid VARCHAR NOT NULL,
    url VARCHAR NOT NULL,
    canonical_url VARCHAR NOT NULL,
    title VARCHAR NOT NULL,
    summary VARCHAR NOT NULL,
    content VARCHAR NOT NULL,
    published_on DATE,
    published_at TIMESTAMP,
    published_basis VARCHAR,
    published_precision VARCHAR,
    updated_at TIMESTAMP,
    authors VARCHAR[] NOT NULL,
    language VARCHAR,
    run_id VARCHAR NOT NULL
);
COMMENT ON TABLE entries IS 'Every item that a feed ever listed, as it was when first seen.';
COMMENT ON COLUMN entries.entry_id IS 'Key: derived from source and guid.';
COMMENT ON COLUMN entries.source_id IS 'The source whose feed listed it.';
COMMENT ON COLUMN entries.guid IS 'The feed''s own id for it.';
COMMENT ON COLUMN entries.url IS 'Its address as the feed gives it, made absolute.';
COMMENT ON COLUMN entries.canonical_url IS 'That address without what does not identify the article.';
COMMENT ON COLUMN entries.title IS 'Title in the feed.';
COMMENT ON COLUMN entries.summary IS 'Summary in the feed, empty if it has none.';
COMMENT ON COLUMN entries.content IS 'Full content in the feed, empty if it has none.';
COMMENT ON COLUMN entries.published_on IS 'Day of publication as stated by the feed; never the day of collection.';
COMMENT ON COLUMN entries.published_at IS 'Time of publication, UTC, where a time was stated.';
COMMENT ON COLUMN entries.published_basis IS 'Where the publication date comes from: feed, meta or url.';
COMMENT ON COLUMN entries.published_precision IS 'time or day: how exactly the publication date was stated.';
COMMENT ON COLUMN entries.updated_at IS 'When the feed says that it was last changed, UTC.';
COMMENT ON COLUMN entries.authors IS 'Authors named by the feed.';
COMMENT ON COLUMN entries.language IS 'ISO 639-1 code of its language, as the feed says.';
COMMENT ON COLUMN entries.run_id IS 'The run that discovered it.';

CREATE TABLE outcomes (
    entry_id VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL,
    detail VARCHAR,
    attempts INTEGER NOT NULL,
    retry_at TIMESTAMP,
    article_id VARCHAR,
    archive_part VARCHAR,
    archive_offset BIGINT,
    archive_length BIGINT,
    archive_sha256 VARCHAR,
    run_id VARCHAR
);
COMMENT ON TABLE outcomes IS 'The ledger: how each entry ended, exactly one row per entry, pending until then.';
COMMENT ON COLUMN outcomes.entry_id IS 'Key: the entry.';
COMMENT ON COLUMN outcomes.outcome IS 'pending, events, no_event, gated, same_story, same_article, or why there is no article.';
COMMENT ON COLUMN outcomes.detail IS 'The reason in words, where the outcome alone does not say it.';
COMMENT ON COLUMN outcomes.attempts IS 'In how many runs it was tried.';
COMMENT ON COLUMN outcomes.retry_at IS 'From when on it is tried again, UTC; NULL if it is not, or pending and due at once.';
COMMENT ON COLUMN outcomes.article_id IS 'The article that it brought, or that was there already; NULL if there is none.';
COMMENT ON COLUMN outcomes.archive_part IS 'The part of the archive that holds what was fetched, a path below the archive''s root.';
COMMENT ON COLUMN outcomes.archive_offset IS 'Where in the part the record begins, in bytes.';
COMMENT ON COLUMN outcomes.archive_length IS 'How long the record is, in bytes.';
COMMENT ON COLUMN outcomes.archive_sha256 IS 'SHA-256 recorded by the archive for it.';
COMMENT ON COLUMN outcomes.run_id IS 'The run of the last attempt; NULL before the first.';

CREATE TABLE articles (
    article_id VARCHAR NOT NULL,
    entry_id VARCHAR NOT NULL,
    source_id VARCHAR NOT NULL,
    canonical_url VARCHAR NOT NULL,
    url VARCHAR NOT NULL,
    title VARCHAR NOT NULL,
    text VARCHAR NOT NULL,
    text_origin VARCHAR NOT NULL,
    published_on DATE,
    published_at TIMESTAMP,
    published_basis VARCHAR,
    published_precision VARCHAR,
    language VARCHAR,
    site VARCHAR,
    authors VARCHAR[] NOT NULL,
    paywalled BOOLEAN NOT NULL,
    issues VARCHAR[] NOT NULL,
    fetched_at TIMESTAMP NOT NULL,
    archive_part VARCHAR,
    archive_offset BIGINT,
    archive_length BIGINT,
    archive_sha256 VARCHAR,
    run_id VARCHAR NOT NULL
);
COMMENT ON TABLE articles IS 'Articles as read, one row per canonical address.';
COMMENT ON COLUMN articles.article_id IS 'Key: derived from canonical_url.';
COMMENT ON COLUMN articles.entry_id IS 'The entry that brought it.';
COMMENT ON COLUMN articles.source_id IS 'The source of that entry.';
COMMENT ON COLUMN articles.canonical_url IS 'The address that identifies the article.';
COMMENT ON COLUMN articles.url IS 'The address that it was read from.';
COMMENT ON COLUMN articles.title IS 'Title.';
COMMENT ON COLUMN articles.text IS 'Title, a blank line, body. All offsets count its Unicode code points from 0.';
COMMENT ON COLUMN articles.text_origin IS 'page if the text was read from the page, feed if it is the feed''s own.';
COMMENT ON COLUMN articles.published_on IS 'Day of publication; NULL if none is stated, never the day of collection.';
COMMENT ON COLUMN articles.published_at IS 'Time of publication, UTC, where a time was stated.';
COMMENT ON COLUMN articles.published_basis IS 'Where the publication date comes from: feed, meta or url.';
COMMENT ON COLUMN articles.published_precision IS 'time or day: how exactly the publication date was stated.';
COMMENT ON COLUMN articles.language IS 'ISO 639-1 code of the language of the text.';
COMMENT ON COLUMN articles.site IS 'Name of the site, as the page gives it.';
COMMENT ON COLUMN articles.authors IS 'Authors.';
COMMENT ON COLUMN articles.paywalled IS 'Whether only the part before a paywall could be read.';
COMMENT ON COLUMN articles.issues IS 'What was odd about the page.';
COMMENT ON COLUMN articles.fetched_at IS 'When the page came, UTC.';
COMMENT ON COLUMN articles.archive_part IS 'The part of the archive that holds the page, a path below the archive''s root.';
COMMENT ON COLUMN articles.archive_offset IS 'Where in the part the record begins, in bytes.';
COMMENT ON COLUMN articles.archive_length IS 'How long the record is, in bytes.';
COMMENT ON COLUMN articles.archive_sha256 IS 'SHA-256 recorded by the archive for it.';
COMMENT ON COLUMN articles.run_id IS 'The run that stored it.';

CREATE TABLE story_members (
    story_id VARCHAR NOT NULL,
    article_id VARCHAR NOT NULL,
    position BIGINT NOT NULL,
    signature BLOB NOT NULL,
    body_hash VARCHAR NOT NULL
);
COMMENT ON TABLE story_members IS 'Which articles carry the same text: each article belongs to one story.';
COMMENT ON COLUMN story_members.story_id IS 'The story.';
COMMENT ON COLUMN story_members.article_id IS 'Key: the article.';
COMMENT ON COLUMN story_members.position IS 'The order in which articles were placed, on which later placements depend.';
COMMENT ON COLUMN story_members.signature IS 'MinHash of the body, by which near-duplicates are found.';
COMMENT ON COLUMN story_members.body_hash IS 'Hash of the body, by which exact copies are found.';

CREATE TABLE mentions (
    mention_id VARCHAR NOT NULL,
    article_id VARCHAR NOT NULL,
    block VARCHAR NOT NULL,
    action VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    country VARCHAR NOT NULL,
    service_canonical VARCHAR NOT NULL,
    actor_canonical VARCHAR,
    actor_kind VARCHAR,
    scope_class VARCHAR,
    date_value VARCHAR,
    reason_classes VARCHAR[] NOT NULL,
    trigger_quote VARCHAR NOT NULL,
    trigger_start INTEGER NOT NULL,
    trigger_end INTEGER NOT NULL,
    service_quote VARCHAR NOT NULL,
    service_start INTEGER NOT NULL,
    service_end INTEGER NOT NULL,
    actor_quote VARCHAR,
    actor_start INTEGER,
    actor_end INTEGER,
    scope_quote VARCHAR,
    scope_start INTEGER,
    scope_end INTEGER,
    date_quote VARCHAR,
    date_start INTEGER,
    date_end INTEGER,
    reason_quote VARCHAR,
    reason_start INTEGER,
    reason_end INTEGER,
    score DOUBLE NOT NULL,
    scores MAP(VARCHAR, DOUBLE) NOT NULL,
    model VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL
);
COMMENT ON TABLE mentions IS 'One restriction event as one article states it, each field with its words and where they stand.';
COMMENT ON COLUMN mentions.mention_id IS 'Key: derived from article, trigger, action, actor, service and scope.';
COMMENT ON COLUMN mentions.article_id IS 'The article that states it; offsets refer to its text.';
COMMENT ON COLUMN mentions.block IS 'The block of mentions within which it may be the same event as another.';
COMMENT ON COLUMN mentions.action IS 'What is done: ban, block, suspend, limit, remove, warn, investigate, penalize or lift.';
COMMENT ON COLUMN mentions.status IS 'How far it has come: in_force, announced, proposed or rejected.';
COMMENT ON COLUMN mentions.country IS 'ISO 3166-1 alpha-2 code of the actor''s country; EU for the Union, XX if it can''t be told.';
COMMENT ON COLUMN mentions.service_canonical IS 'Usual English name of what is restricted.';
COMMENT ON COLUMN mentions.actor_canonical IS 'Full English name of who restricts; NULL if the text does not say.';
COMMENT ON COLUMN mentions.actor_kind IS 'What sort of body the actor is.';
COMMENT ON COLUMN mentions.scope_class IS 'For whom or where, coarsely.';
COMMENT ON COLUMN mentions.date_value IS 'When, as exact as stated: YYYY-MM-DD, YYYY-MM or YYYY; NULL if not stated.';
COMMENT ON COLUMN mentions.reason_classes IS 'Why, in the words of the one who restricts, as classes.';
COMMENT ON COLUMN mentions.trigger_quote IS 'The words that state the action.';
COMMENT ON COLUMN mentions.trigger_start IS 'Where they begin in articles.text, in code points from 0.';
COMMENT ON COLUMN mentions.trigger_end IS 'Where they end in articles.text, exclusive.';
COMMENT ON COLUMN mentions.service_quote IS 'The words that name the service.';
COMMENT ON COLUMN mentions.service_start IS 'Where they begin in articles.text, in code points from 0.';
COMMENT ON COLUMN mentions.service_end IS 'Where they end in articles.text, exclusive.';
COMMENT ON COLUMN mentions.actor_quote IS 'The words that name the actor; NULL if it is not stated.';
COMMENT ON COLUMN mentions.actor_start IS 'Where they begin in articles.text, in code points from 0.';
COMMENT ON COLUMN mentions.actor_end IS 'Where they end in articles.text, exclusive.';
COMMENT ON COLUMN mentions.scope_quote IS 'The words that state the scope; NULL if it is not stated.';
COMMENT ON COLUMN mentions.scope_start IS 'Where they begin in articles.text, in code points from 0.';
COMMENT ON COLUMN mentions.scope_end IS 'Where they end in articles.text, exclusive.';
COMMENT ON COLUMN mentions.date_quote IS 'The words that date the action; NULL if it is not dated.';
COMMENT ON COLUMN mentions.date_start IS 'Where they begin in articles.text, in code points from 0.';
COMMENT ON COLUMN mentions.date_end IS 'Where they end in articles.text, exclusive.';
COMMENT ON COLUMN mentions.reason_quote IS 'The words that state the reason; NULL if it is not stated.';
COMMENT ON COLUMN mentions.reason_start IS 'Where they begin in articles.text, in code points from 0.';
COMMENT ON COLUMN mentions.reason_end IS 'Where they end in articles.text, exclusive.';
COMMENT ON COLUMN mentions.score IS 'Probability that this is a restriction event with this action, actor and service.';
COMMENT ON COLUMN mentions.scores IS 'Probability of each field by its name.';
COMMENT ON COLUMN mentions.model IS 'Revision of the extractor that found it.';
COMMENT ON COLUMN mentions.run_id IS 'The run that stored it.';

CREATE TABLE events (
    event_id VARCHAR NOT NULL,
    block VARCHAR NOT NULL,
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
    score DOUBLE NOT NULL,
    why VARCHAR NOT NULL,
    first_run_id VARCHAR NOT NULL,
    changed_run_id VARCHAR NOT NULL
);
COMMENT ON TABLE events IS 'What the mentions of one happening agree on.';
COMMENT ON COLUMN events.event_id IS 'Key. An id that was merged away or withdrawn is kept in event_forwards.';
COMMENT ON COLUMN events.block IS 'The block of mentions to which all of its mentions belong.';
COMMENT ON COLUMN events.action IS 'What is done: ban, block, suspend, limit, remove, warn, investigate, penalize or lift.';
COMMENT ON COLUMN events.side IS 'restricting, pressing or easing: on which side the action stands.';
COMMENT ON COLUMN events.status IS 'How far it has come: in_force, announced, proposed or rejected.';
COMMENT ON COLUMN events.country IS 'ISO 3166-1 alpha-2 code of the actor''s country; EU for the Union, XX if it can''t be told.';
COMMENT ON COLUMN events.service_canonical IS 'Usual English name of what is restricted.';
COMMENT ON COLUMN events.actor_canonical IS 'Full English name of who restricts; NULL if no text says.';
COMMENT ON COLUMN events.actor_kind IS 'What sort of body the actor is.';
COMMENT ON COLUMN events.scope IS 'For whom, on what or where, in the words of an article; NULL if not stated.';
COMMENT ON COLUMN events.scope_class IS 'For whom or where, coarsely.';
COMMENT ON COLUMN events.date_value IS 'When, as exact as stated: YYYY-MM-DD, YYYY-MM or YYYY; NULL if no text says.';
COMMENT ON COLUMN events.date_from IS 'First day that date_value allows; NULL with it.';
COMMENT ON COLUMN events.date_to IS 'Last day that date_value allows; NULL with it.';
COMMENT ON COLUMN events.lifted IS 'Whether the restriction has ended: the last of its steps that took effect is a lift.';
COMMENT ON COLUMN events.reason_classes IS 'Why, in the words of the one who restricts, as classes.';
COMMENT ON COLUMN events.first_reported IS 'Publication day of the earliest dated article. Not the day of the event.';
COMMENT ON COLUMN events.last_reported IS 'Publication day of the latest dated article.';
COMMENT ON COLUMN events.stories IS 'How many independent stories carry it.';
COMMENT ON COLUMN events.articles IS 'How many articles state it.';
COMMENT ON COLUMN events.score IS 'Probability that it is a restriction event.';
COMMENT ON COLUMN events.why IS 'Why its mentions are held to be one event, in plain words.';
COMMENT ON COLUMN events.first_run_id IS 'The run that first stored it, or an event that was merged into it.';
COMMENT ON COLUMN events.changed_run_id IS 'The run that last changed it.';

CREATE TABLE event_mentions (
    event_id VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    mention_id VARCHAR NOT NULL
);
COMMENT ON TABLE event_mentions IS 'Which mentions make up which event.';
COMMENT ON COLUMN event_mentions.event_id IS 'Key, with position: the event.';
COMMENT ON COLUMN event_mentions.position IS 'Key, with event_id: the order of its mentions, from 0.';
COMMENT ON COLUMN event_mentions.mention_id IS 'The mention.';

CREATE TABLE event_transitions (
    event_id VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    status VARCHAR NOT NULL,
    action VARCHAR NOT NULL,
    date_value VARCHAR,
    date_from DATE,
    date_to DATE,
    reported_on DATE,
    mention_id VARCHAR NOT NULL
);
COMMENT ON TABLE event_transitions IS 'The steps in the life of each event: proposed, announced, in force, lifted, rejected.';
COMMENT ON COLUMN event_transitions.event_id IS 'Key, with position: the event.';
COMMENT ON COLUMN event_transitions.position IS 'Key, with event_id: the order of its steps, from 0.';
COMMENT ON COLUMN event_transitions.status IS 'The status it reached.';
COMMENT ON COLUMN event_transitions.action IS 'The action that was then reported; lift where the restriction ended or eased.';
COMMENT ON COLUMN event_transitions.date_value IS 'When, as exact as stated; NULL if not stated.';
COMMENT ON COLUMN event_transitions.date_from IS 'First day that date_value allows; NULL with it.';
COMMENT ON COLUMN event_transitions.date_to IS 'Last day that date_value allows; NULL with it.';
COMMENT ON COLUMN event_transitions.reported_on IS 'Publication day of the article that shows it; NULL if that has none.';
COMMENT ON COLUMN event_transitions.mention_id IS 'The mention that shows it.';

CREATE TABLE event_forwards (
    old_id VARCHAR NOT NULL,
    new_id VARCHAR,
    run_id VARCHAR NOT NULL
);
COMMENT ON TABLE event_forwards IS 'Where the event now is that an id once named.';
COMMENT ON COLUMN event_forwards.old_id IS 'Key: an event id that is no longer in use.';
COMMENT ON COLUMN event_forwards.new_id IS 'The event that holds most of its mentions now; NULL if they were withdrawn.';
COMMENT ON COLUMN event_forwards.run_id IS 'The run that made the change.';
