-- What happened to events: a log from which they can be followed. `before` and `after` have a field for each column of
-- `events` but its key and the run that last changed it, which the log itself tells.

CREATE TABLE changes (
    position BIGINT NOT NULL,
    run_id VARCHAR NOT NULL,
    changed_at TIMESTAMP,
    event_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    other_id VARCHAR,
    fields VARCHAR[] NOT NULL,
    before STRUCT(
        block VARCHAR, action VARCHAR, side VARCHAR, status VARCHAR, country VARCHAR, service_canonical VARCHAR,
        actor_canonical VARCHAR, actor_kind VARCHAR, scope VARCHAR, scope_class VARCHAR, date_value VARCHAR,
        date_from DATE, date_to DATE, lifted BOOLEAN, reason_classes VARCHAR[], first_reported DATE,
        last_reported DATE, stories INTEGER, articles INTEGER, score DOUBLE, why VARCHAR, voices INTEGER,
        learned_on DATE, retracted BOOLEAN, dismissed BOOLEAN, first_run_id VARCHAR
    ),
    after STRUCT(
        block VARCHAR, action VARCHAR, side VARCHAR, status VARCHAR, country VARCHAR, service_canonical VARCHAR,
        actor_canonical VARCHAR, actor_kind VARCHAR, scope VARCHAR, scope_class VARCHAR, date_value VARCHAR,
        date_from DATE, date_to DATE, lifted BOOLEAN, reason_classes VARCHAR[], first_reported DATE,
        last_reported DATE, stories INTEGER, articles INTEGER, score DOUBLE, why VARCHAR, voices INTEGER,
        learned_on DATE, retracted BOOLEAN, dismissed BOOLEAN, first_run_id VARCHAR
    ),
    steps VARCHAR[] NOT NULL,
    arrived VARCHAR[] NOT NULL,
    departed VARCHAR[] NOT NULL
);
COMMENT ON TABLE changes IS 'What happened to events, one row per event and change of it. Whoever follows the rows in order has the events: a row with no before adds one, a row with no after takes one away, others set the fields that they name. A rebuild makes the log anew, run by run, as today''s program would have written it then. Asked by changes_since.';
COMMENT ON COLUMN changes.position IS 'Key: the order of the changes, from 1.';
COMMENT ON COLUMN changes.run_id IS 'The run that made it; between two runs, the one before.';
COMMENT ON COLUMN changes.changed_at IS 'When that run began, UTC; NULL if it is not in runs.';
COMMENT ON COLUMN changes.event_id IS 'The event, by the id that it had then.';
COMMENT ON COLUMN changes.kind IS 'New: appeared, split (it parted from other_id, which lives on) or continued (it goes on for other_id, whose id is no longer in use). Gone: merged (into other_id), renamed (it goes on as other_id) or removed (no mention of it is left). Else the most telling: dismissed or restored (by a person), retracted or reinstated (by the press), ended or reopened, changed. present: it was there when this log began.';
COMMENT ON COLUMN changes.other_id IS 'The other event that kind speaks of; NULL if it speaks of none.';
COMMENT ON COLUMN changes.fields IS 'The columns of events that changed; all of them for an event that is new or gone. Empty where only its mentions or steps changed.';
COMMENT ON COLUMN changes.before IS 'What these fields were; NULL for a new event. Fields that did not change are NULL in it.';
COMMENT ON COLUMN changes.after IS 'What these fields became; NULL for one that is gone. Fields that did not change are NULL in it.';
COMMENT ON COLUMN changes.steps IS 'The kinds, as in event_transitions, of the steps that it has gained.';
COMMENT ON COLUMN changes.arrived IS 'The evidence: ids of the mentions that it has gained, in their order. All of them for a new event.';
COMMENT ON COLUMN changes.departed IS 'Ids of the mentions that it has lost. All of them for one that is gone.';

-- What was there already, so that the log can be followed from nothing here too.
INSERT INTO changes
SELECT
    row_number() OVER (ORDER BY r.started_at NULLS FIRST, e.event_id), e.changed_run_id, r.started_at, e.event_id, 'present',
    NULL,
    [
        'block', 'action', 'side', 'status', 'country', 'service_canonical', 'actor_canonical', 'actor_kind', 'scope',
        'scope_class', 'date_value', 'date_from', 'date_to', 'lifted', 'reason_classes', 'first_reported',
        'last_reported', 'stories', 'articles', 'score', 'why', 'voices', 'learned_on', 'retracted', 'dismissed',
        'first_run_id'
    ],
    NULL,
    {
        'block': e.block, 'action': e.action, 'side': e.side, 'status': e.status, 'country': e.country,
        'service_canonical': e.service_canonical, 'actor_canonical': e.actor_canonical, 'actor_kind': e.actor_kind,
        'scope': e.scope, 'scope_class': e.scope_class, 'date_value': e.date_value, 'date_from': e.date_from,
        'date_to': e.date_to, 'lifted': e.lifted, 'reason_classes': e.reason_classes,
        'first_reported': e.first_reported, 'last_reported': e.last_reported, 'stories': e.stories,
        'articles': e.articles, 'score': e.score, 'why': e.why, 'voices': e.voices, 'learned_on': e.learned_on,
        'retracted': e.retracted, 'dismissed': e.dismissed, 'first_run_id': e.first_run_id
    },
    coalesce(t.steps, []), coalesce(m.arrived, []), []
FROM events AS e
    LEFT JOIN runs AS r ON r.run_id = e.changed_run_id
    LEFT JOIN (
        SELECT event_id, list(kind ORDER BY position) AS steps FROM event_transitions GROUP BY event_id
    ) AS t USING (event_id)
    LEFT JOIN (
        SELECT event_id, list(mention_id ORDER BY position) AS arrived FROM event_mentions GROUP BY event_id
    ) AS m USING (event_id)
ORDER BY r.started_at NULLS FIRST, e.event_id;

ALTER TABLE runs ADD COLUMN last_change BIGINT;
COMMENT ON COLUMN runs.last_change IS 'The position in changes that the log had reached when the run ended, 0 before the first; NULL if it never ended.';
UPDATE runs SET last_change = (SELECT count(*) FROM changes) WHERE finished_at IS NOT NULL;

-- Which values there are: who asks for one must know its name.
COMMENT ON COLUMN services.category IS 'What sort of service it is, in one word or two: ai, social, messaging, video, vpn, chips, cloud, telecom equipment …';
COMMENT ON COLUMN bodies.kind IS 'What sort of body it is: government, ministry, regulator, data_protection, court, legislature, subnational, military, police, company, school, app_store, international or other.';
COMMENT ON COLUMN mentions.actor_kind IS 'What sort of body the actor is: government, ministry, regulator, data_protection, court, legislature, subnational, military, police, company, school, app_store, international or other; NULL if that can''t be told.';
COMMENT ON COLUMN mentions.scope_class IS 'For whom or where, coarsely: nationwide, subnational, government_devices, military, workplace, schools, minors, app_stores, critical_infrastructure, exports or other; NULL if not stated.';
COMMENT ON COLUMN mentions.reason_classes IS 'Why, in the words of the one who restricts, as classes: privacy, national_security, cybersecurity, security, content, child_protection, public_order, legal, competition, intellectual_property, safety, productivity or other. Empty if not stated, several if several are.';
COMMENT ON COLUMN events.actor_kind IS 'What sort of body the actor is: government, ministry, regulator, data_protection, court, legislature, subnational, military, police, company, school, app_store, international or other; NULL if that can''t be told.';
COMMENT ON COLUMN events.scope_class IS 'For whom or where, coarsely: nationwide, subnational, government_devices, military, workplace, schools, minors, app_stores, critical_infrastructure, exports or other; NULL if not stated.';
COMMENT ON COLUMN events.reason_classes IS 'Why, in the words of the one who restricts, as classes: privacy, national_security, cybersecurity, security, content, child_protection, public_order, legal, competition, intellectual_property, safety, productivity or other. Empty if not stated, several if several are.';
COMMENT ON COLUMN event_history.actor_kind IS 'What sort of body the actor is: government, ministry, regulator, data_protection, court, legislature, subnational, military, police, company, school, app_store, international or other; NULL if that can''t be told.';
COMMENT ON COLUMN event_history.scope_class IS 'For whom or where, coarsely: nationwide, subnational, government_devices, military, workplace, schools, minors, app_stores, critical_infrastructure, exports or other; NULL if not stated.';
COMMENT ON COLUMN event_history.reason_classes IS 'Why, in the words of the one who restricts, as classes: privacy, national_security, cybersecurity, security, content, child_protection, public_order, legal, competition, intellectual_property, safety, productivity or other. Empty if not stated, several if several are.';
