-- What a poll leaves behind for the next one: when it is due, how the feed fares, what its last body was.
ALTER TABLE feed_states ADD COLUMN body_sha256 VARCHAR;
ALTER TABLE feed_states ADD COLUMN interval_seconds DOUBLE;
ALTER TABLE feed_states ADD COLUMN refresh_seconds DOUBLE;
ALTER TABLE feed_states ADD COLUMN next_poll_at TIMESTAMP;
ALTER TABLE feed_states ADD COLUMN failures INTEGER DEFAULT 0;
ALTER TABLE feed_states ADD COLUMN error VARCHAR;
ALTER TABLE feed_states ADD COLUMN answered_at TIMESTAMP;
ALTER TABLE feed_states ADD COLUMN changed_at TIMESTAMP;
ALTER TABLE feed_states ADD COLUMN latest_at TIMESTAMP;
ALTER TABLE feed_states ADD COLUMN language VARCHAR;
ALTER TABLE feed_states ADD COLUMN gone_at TIMESTAMP;
COMMENT ON TABLE feed_states IS 'What the polls of a source left behind for the next one. It starts anew when the source''s address changes.';
COMMENT ON COLUMN feed_states.moved_to IS 'Where permanent redirects from the feed''s address lead, if there are any and a feed is there.';
COMMENT ON COLUMN feed_states.body_sha256 IS 'SHA-256 of the last feed whose entries are stored: one that comes again unchanged is not read again.';
COMMENT ON COLUMN feed_states.interval_seconds IS 'Seconds between polls that the feed''s own pace asks for.';
COMMENT ON COLUMN feed_states.refresh_seconds IS 'Seconds between polls that the feed itself asked for when it was last read.';
COMMENT ON COLUMN feed_states.next_poll_at IS 'From when on it is polled again, UTC; NULL before the first poll, and once it is gone.';
COMMENT ON COLUMN feed_states.failures IS 'How many polls failed in a row.';
COMMENT ON COLUMN feed_states.error IS 'The last failure in words; NULL if the last poll did not fail.';
COMMENT ON COLUMN feed_states.answered_at IS 'When it last brought a feed, or said that it has not changed, UTC.';
COMMENT ON COLUMN feed_states.changed_at IS 'When it last brought something new, UTC.';
COMMENT ON COLUMN feed_states.latest_at IS 'The newest time of publication that it ever stated, UTC.';
COMMENT ON COLUMN feed_states.language IS 'ISO 639-1 code of the language that it states, or that its items are in.';
COMMENT ON COLUMN feed_states.gone_at IS 'When its server said that it is gone for good (410), UTC.';

CREATE TABLE source_pace (
    source_id VARCHAR NOT NULL,
    polled_at TIMESTAMP NOT NULL,
    last_item_at TIMESTAMP,
    items_per_day DOUBLE,
    learnt_per_week DOUBLE,
    lag_seconds DOUBLE,
    fell_silent_at TIMESTAMP
);
COMMENT ON TABLE source_pace IS 'How many items each source brings, and whether it has fallen silent, as of its last poll.';
COMMENT ON COLUMN source_pace.source_id IS 'Key: the source.';
COMMENT ON COLUMN source_pace.polled_at IS 'Start of the run that polled it last, UTC.';
COMMENT ON COLUMN source_pace.last_item_at IS 'When its newest item was published or, if that is not stated, first seen, UTC.';
COMMENT ON COLUMN source_pace.items_per_day IS 'Items a day over the two weeks before that poll, or since its first item.';
COMMENT ON COLUMN source_pace.learnt_per_week IS 'Items a week that its own history lets expect; NULL before two weeks of it.';
COMMENT ON COLUMN source_pace.lag_seconds IS 'Median seconds from publication to being first seen, over the two weeks before that poll.';
COMMENT ON COLUMN source_pace.fell_silent_at IS 'When its last item came, UTC, where less than one silence in a thousand would last so long by chance; else NULL.';

ALTER TABLE sources ADD COLUMN full_text BOOLEAN;
COMMENT ON COLUMN sources.full_text IS 'Whether its items hold the whole article, if the source list says so.';
