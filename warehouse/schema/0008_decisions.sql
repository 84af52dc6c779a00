-- What people have decided: a copy of the archive's records, the mentions that they are about now, and the fields of
-- events that they have set, with the machine's values beside.

CREATE TABLE decisions (
    decision_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    author VARCHAR NOT NULL,
    decided_at TIMESTAMP NOT NULL,
    reason VARCHAR NOT NULL,
    field VARCHAR,
    value VARCHAR,
    revokes VARCHAR,
    about VARCHAR[] NOT NULL,
    state VARCHAR NOT NULL
);
COMMENT ON TABLE decisions IS 'What people have decided about events. The archive has the records themselves.';
COMMENT ON COLUMN decisions.decision_id IS 'Key. Made from all that the decision says.';
COMMENT ON COLUMN decisions.kind IS 'same, different, edit, reject, restore, or undo, which takes back another decision.';
COMMENT ON COLUMN decisions.author IS 'Who decided.';
COMMENT ON COLUMN decisions.decided_at IS 'When, UTC.';
COMMENT ON COLUMN decisions.reason IS 'Why, in the author''s words.';
COMMENT ON COLUMN decisions.field IS 'The field that an edit sets; NULL otherwise.';
COMMENT ON COLUMN decisions.value IS 'The value that it gets; NULL says that nothing is stated.';
COMMENT ON COLUMN decisions.revokes IS 'The decision that is taken back; NULL unless the kind is undo.';
COMMENT ON COLUMN decisions.about IS 'The ids that the events had then.';
COMMENT ON COLUMN decisions.state IS 'in_force, undone, overruled (later decisions say otherwise) or lost (none of its mentions is found).';

CREATE TABLE decision_anchors (
    decision_id VARCHAR NOT NULL,
    side VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    mention_id VARCHAR NOT NULL,
    article_id VARCHAR NOT NULL,
    action VARCHAR NOT NULL,
    service VARCHAR NOT NULL,
    actor VARCHAR,
    trigger_quote VARCHAR NOT NULL,
    scope_quote VARCHAR,
    date_value VARCHAR
);
COMMENT ON TABLE decision_anchors IS 'The mentions that a decision was made about, as they were then: so they are found again when articles are read anew.';
COMMENT ON COLUMN decision_anchors.decision_id IS 'Key, with side and position: the decision.';
COMMENT ON COLUMN decision_anchors.side IS 'one or other: which of two events; one where there is but one.';
COMMENT ON COLUMN decision_anchors.position IS 'Place in the side, from 0.';
COMMENT ON COLUMN decision_anchors.mention_id IS 'The mention''s id then.';
COMMENT ON COLUMN decision_anchors.article_id IS 'The article that states it.';
COMMENT ON COLUMN decision_anchors.action IS 'Its action.';
COMMENT ON COLUMN decision_anchors.service IS 'Usual English name of its service.';
COMMENT ON COLUMN decision_anchors.actor IS 'Full English name of its actor; NULL if not stated.';
COMMENT ON COLUMN decision_anchors.trigger_quote IS 'The words that state the action.';
COMMENT ON COLUMN decision_anchors.scope_quote IS 'The words of its scope; NULL if not stated.';
COMMENT ON COLUMN decision_anchors.date_value IS 'Its date; NULL if not stated.';

CREATE TABLE decision_mentions (
    decision_id VARCHAR NOT NULL,
    side VARCHAR NOT NULL,
    mention_id VARCHAR NOT NULL
);
COMMENT ON TABLE decision_mentions IS 'The mentions that decisions are about now. A decision without any is lost.';
COMMENT ON COLUMN decision_mentions.decision_id IS 'Key, with mention_id: the decision; for one that takes another back, too.';
COMMENT ON COLUMN decision_mentions.side IS 'one or other: which of two events; one where there is but one.';
COMMENT ON COLUMN decision_mentions.mention_id IS 'The mention.';

CREATE TABLE event_edits (
    event_id VARCHAR NOT NULL,
    field VARCHAR NOT NULL,
    machine_value VARCHAR,
    human_value VARCHAR,
    decision_id VARCHAR NOT NULL
);
COMMENT ON TABLE event_edits IS 'Fields of events that a person has set, with what the machine had read.';
COMMENT ON COLUMN event_edits.event_id IS 'Key, with field: the event.';
COMMENT ON COLUMN event_edits.field IS 'action, status, actor, country, service, scope, date or reasons.';
COMMENT ON COLUMN event_edits.machine_value IS 'What the machine makes of the articles; NULL if they state nothing.';
COMMENT ON COLUMN event_edits.human_value IS 'What the person says, and the event has; NULL says that nothing is stated.';
COMMENT ON COLUMN event_edits.decision_id IS 'The decision that set it.';
