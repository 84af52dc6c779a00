CREATE MACRO changes_since(since) AS TABLE
WITH RECURSIVE asked AS (
    SELECT
        CAST(since AS VARCHAR) AS words,
        -- A cast to TIMESTAMP would leave the zone out of account.
        CASE
            WHEN regexp_matches(CAST(since AS VARCHAR), ':.*[+-][0-9][0-9](:?[0-9][0-9])?$')
                THEN make_timestamp(epoch_us(TRY_CAST(CAST(since AS VARCHAR) AS TIMESTAMPTZ)))
            ELSE TRY_CAST(CAST(since AS VARCHAR) AS TIMESTAMP)
        END AS moment
),
bound AS (
    SELECT CASE
        WHEN typeof(since) IN ('TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT') THEN CAST(words AS BIGINT)
        WHEN EXISTS (SELECT 1 FROM runs WHERE run_id = words) THEN (
            SELECT CASE
                WHEN r.last_change IS NOT NULL THEN r.last_change
                -- It was cut short, and published by the next one that was not: what it changed counts as told.
                ELSE greatest(
                    0,
                    (SELECT max(position) FROM changes WHERE run_id = r.run_id),
                    (SELECT max(last_change) FROM runs WHERE finished_at <= r.started_at)
                )
            END
            FROM runs AS r
            WHERE r.run_id = words
        )
        WHEN moment IS NULL THEN error('changes_since: ' || coalesce(words, 'NULL') || ' is no run, time or position')
        ELSE (SELECT coalesce(max(last_change), 0) FROM runs WHERE finished_at <= moment)
    END AS position
    FROM asked
),
recent AS (
    SELECT *, lag(kind) OVER (PARTITION BY event_id ORDER BY position) AS kind_before
    FROM changes
    WHERE position > (SELECT position FROM bound) AND kind <> 'present'
),
-- An id can be used for one event after another: each takes it over from a third, or after it has gone on elsewhere.
lives AS (
    SELECT
        *,
        count(*) FILTER (kind = 'continued' OR (kind IN ('appeared', 'split') AND kind_before = 'renamed'))
            OVER (PARTITION BY event_id ORDER BY position) AS life
    FROM recent
),
renamings AS (
    SELECT r.event_id, r.life, c.event_id AS to_id, c.life AS to_life
    FROM (FROM lives WHERE kind = 'renamed') AS r ASOF JOIN (FROM lives WHERE kind = 'continued') AS c
        ON c.event_id = r.other_id AND c.other_id = r.event_id AND c.position > r.position
),
ways AS (
    FROM renamings
    UNION ALL
    SELECT w.event_id, w.life, r.to_id, r.to_life
    FROM ways AS w JOIN renamings AS r ON r.event_id = w.to_id AND r.life = w.to_life
),
named AS (
    SELECT l.*, coalesce(e.to_id, l.event_id) AS now_id, coalesce(e.to_life, l.life) AS now_life
    FROM lives AS l LEFT JOIN (
        FROM ways ANTI JOIN renamings ON renamings.event_id = ways.to_id AND renamings.life = ways.to_life
    ) AS e ON e.event_id = l.event_id AND e.life = l.life
),
folded AS (
    SELECT
        now_id AS event_id,
        now_life,
        arg_min(event_id, position) AS first_id,
        arg_min(kind, position) AS first_kind,
        arg_min({'value': other_id}, position).value AS origin_id,
        arg_max(kind, position) AS last_kind,
        arg_max({'value': other_id}, position).value AS heir_id,
        count(*) AS changes,
        max(position) AS position,
        arg_max(run_id, position) AS run_id,
        arg_max(changed_at, position) AS changed_at,
        {
            'block': arg_min({'value': before.block}, position) FILTER (list_contains(fields, 'block')),
            'action': arg_min({'value': before.action}, position) FILTER (list_contains(fields, 'action')),
            'side': arg_min({'value': before.side}, position) FILTER (list_contains(fields, 'side')),
            'status': arg_min({'value': before.status}, position) FILTER (list_contains(fields, 'status')),
            'country': arg_min({'value': before.country}, position) FILTER (list_contains(fields, 'country')),
            'service_canonical': arg_min({'value': before.service_canonical}, position) FILTER (list_contains(fields, 'service_canonical')),
            'actor_canonical': arg_min({'value': before.actor_canonical}, position) FILTER (list_contains(fields, 'actor_canonical')),
            'actor_kind': arg_min({'value': before.actor_kind}, position) FILTER (list_contains(fields, 'actor_kind')),
            'scope': arg_min({'value': before.scope}, position) FILTER (list_contains(fields, 'scope')),
            'scope_class': arg_min({'value': before.scope_class}, position) FILTER (list_contains(fields, 'scope_class')),
            'date_value': arg_min({'value': before.date_value}, position) FILTER (list_contains(fields, 'date_value')),
            'date_from': arg_min({'value': before.date_from}, position) FILTER (list_contains(fields, 'date_from')),
            'date_to': arg_min({'value': before.date_to}, position) FILTER (list_contains(fields, 'date_to')),
            'lifted': arg_min({'value': before.lifted}, position) FILTER (list_contains(fields, 'lifted')),
            'reason_classes': arg_min({'value': before.reason_classes}, position) FILTER (list_contains(fields, 'reason_classes')),
            'first_reported': arg_min({'value': before.first_reported}, position) FILTER (list_contains(fields, 'first_reported')),
            'last_reported': arg_min({'value': before.last_reported}, position) FILTER (list_contains(fields, 'last_reported')),
            'stories': arg_min({'value': before.stories}, position) FILTER (list_contains(fields, 'stories')),
            'articles': arg_min({'value': before.articles}, position) FILTER (list_contains(fields, 'articles')),
            'score': arg_min({'value': before.score}, position) FILTER (list_contains(fields, 'score')),
            'why': arg_min({'value': before.why}, position) FILTER (list_contains(fields, 'why')),
            'voices': arg_min({'value': before.voices}, position) FILTER (list_contains(fields, 'voices')),
            'learned_on': arg_min({'value': before.learned_on}, position) FILTER (list_contains(fields, 'learned_on')),
            'retracted': arg_min({'value': before.retracted}, position) FILTER (list_contains(fields, 'retracted')),
            'dismissed': arg_min({'value': before.dismissed}, position) FILTER (list_contains(fields, 'dismissed')),
            'first_run_id': arg_min({'value': before.first_run_id}, position) FILTER (list_contains(fields, 'first_run_id'))
        } AS was,
        {
            'block': arg_max({'value': after.block}, position) FILTER (list_contains(fields, 'block')),
            'action': arg_max({'value': after.action}, position) FILTER (list_contains(fields, 'action')),
            'side': arg_max({'value': after.side}, position) FILTER (list_contains(fields, 'side')),
            'status': arg_max({'value': after.status}, position) FILTER (list_contains(fields, 'status')),
            'country': arg_max({'value': after.country}, position) FILTER (list_contains(fields, 'country')),
            'service_canonical': arg_max({'value': after.service_canonical}, position) FILTER (list_contains(fields, 'service_canonical')),
            'actor_canonical': arg_max({'value': after.actor_canonical}, position) FILTER (list_contains(fields, 'actor_canonical')),
            'actor_kind': arg_max({'value': after.actor_kind}, position) FILTER (list_contains(fields, 'actor_kind')),
            'scope': arg_max({'value': after.scope}, position) FILTER (list_contains(fields, 'scope')),
            'scope_class': arg_max({'value': after.scope_class}, position) FILTER (list_contains(fields, 'scope_class')),
            'date_value': arg_max({'value': after.date_value}, position) FILTER (list_contains(fields, 'date_value')),
            'date_from': arg_max({'value': after.date_from}, position) FILTER (list_contains(fields, 'date_from')),
            'date_to': arg_max({'value': after.date_to}, position) FILTER (list_contains(fields, 'date_to')),
            'lifted': arg_max({'value': after.lifted}, position) FILTER (list_contains(fields, 'lifted')),
            'reason_classes': arg_max({'value': after.reason_classes}, position) FILTER (list_contains(fields, 'reason_classes')),
            'first_reported': arg_max({'value': after.first_reported}, position) FILTER (list_contains(fields, 'first_reported')),
            'last_reported': arg_max({'value': after.last_reported}, position) FILTER (list_contains(fields, 'last_reported')),
            'stories': arg_max({'value': after.stories}, position) FILTER (list_contains(fields, 'stories')),
            'articles': arg_max({'value': after.articles}, position) FILTER (list_contains(fields, 'articles')),
            'score': arg_max({'value': after.score}, position) FILTER (list_contains(fields, 'score')),
            'why': arg_max({'value': after.why}, position) FILTER (list_contains(fields, 'why')),
            'voices': arg_max({'value': after.voices}, position) FILTER (list_contains(fields, 'voices')),
            'learned_on': arg_max({'value': after.learned_on}, position) FILTER (list_contains(fields, 'learned_on')),
            'retracted': arg_max({'value': after.retracted}, position) FILTER (list_contains(fields, 'retracted')),
            'dismissed': arg_max({'value': after.dismissed}, position) FILTER (list_contains(fields, 'dismissed')),
            'first_run_id': arg_max({'value': after.first_run_id}, position) FILTER (list_contains(fields, 'first_run_id'))
        } AS now
    FROM named
    GROUP BY now_id, now_life
),
moved AS (
    SELECT now_id, now_life, mention_id, sum(step) AS step
    FROM (
        SELECT now_id, now_life, unnest(arrived) AS mention_id, 1 AS step FROM named
        UNION ALL
        SELECT now_id, now_life, unnest(departed), -1 FROM named
    )
    GROUP BY now_id, now_life, mention_id
),
mentioned AS (
    SELECT
        now_id,
        now_life,
        list(mention_id ORDER BY mention_id) FILTER (step > 0) AS arrived,
        list(mention_id ORDER BY mention_id) FILTER (step < 0) AS departed
    FROM moved
    WHERE step <> 0
    GROUP BY now_id, now_life
),
gained AS (
    SELECT now_id, now_life, list(kind ORDER BY position) AS steps
    FROM (
        SELECT now_id, now_life, kind, min(position) AS position
        FROM (SELECT now_id, now_life, position, unnest(steps) AS kind FROM named)
            SEMI JOIN (SELECT event_id AS now_id, kind FROM event_transitions) AS standing USING (now_id, kind)
        GROUP BY now_id, now_life, kind
    )
    GROUP BY now_id, now_life
),
compared AS (
    SELECT
        *,
        first_kind NOT IN ('appeared', 'split', 'continued') AS was_there,
        last_kind NOT IN ('merged', 'renamed', 'removed') AS is_there,
        concat_ws(
            ',',
            CASE WHEN was.block.value IS DISTINCT FROM now.block.value THEN 'block' END,
            CASE WHEN was.action.value IS DISTINCT FROM now.action.value THEN 'action' END,
            CASE WHEN was.side.value IS DISTINCT FROM now.side.value THEN 'side' END,
            CASE WHEN was.status.value IS DISTINCT FROM now.status.value THEN 'status' END,
            CASE WHEN was.country.value IS DISTINCT FROM now.country.value THEN 'country' END,
            CASE WHEN was.service_canonical.value IS DISTINCT FROM now.service_canonical.value THEN 'service_canonical' END,
            CASE WHEN was.actor_canonical.value IS DISTINCT FROM now.actor_canonical.value THEN 'actor_canonical' END,
            CASE WHEN was.actor_kind.value IS DISTINCT FROM now.actor_kind.value THEN 'actor_kind' END,
            CASE WHEN was.scope.value IS DISTINCT FROM now.scope.value THEN 'scope' END,
            CASE WHEN was.scope_class.value IS DISTINCT FROM now.scope_class.value THEN 'scope_class' END,
            CASE WHEN was.date_value.value IS DISTINCT FROM now.date_value.value THEN 'date_value' END,
            CASE WHEN was.date_from.value IS DISTINCT FROM now.date_from.value THEN 'date_from' END,
            CASE WHEN was.date_to.value IS DISTINCT FROM now.date_to.value THEN 'date_to' END,
            CASE WHEN was.lifted.value IS DISTINCT FROM now.lifted.value THEN 'lifted' END,
            CASE WHEN was.reason_classes.value IS DISTINCT FROM now.reason_classes.value THEN 'reason_classes' END,
            CASE WHEN was.first_reported.value IS DISTINCT FROM now.first_reported.value THEN 'first_reported' END,
            CASE WHEN was.last_reported.value IS DISTINCT FROM now.last_reported.value THEN 'last_reported' END,
            CASE WHEN was.stories.value IS DISTINCT FROM now.stories.value THEN 'stories' END,
            CASE WHEN was.articles.value IS DISTINCT FROM now.articles.value THEN 'articles' END,
            CASE WHEN was.score.value IS DISTINCT FROM now.score.value THEN 'score' END,
            CASE WHEN was.why.value IS DISTINCT FROM now.why.value THEN 'why' END,
            CASE WHEN was.voices.value IS DISTINCT FROM now.voices.value THEN 'voices' END,
            CASE WHEN was.learned_on.value IS DISTINCT FROM now.learned_on.value THEN 'learned_on' END,
            CASE WHEN was.retracted.value IS DISTINCT FROM now.retracted.value THEN 'retracted' END,
            CASE WHEN was.dismissed.value IS DISTINCT FROM now.dismissed.value THEN 'dismissed' END,
            CASE WHEN was.first_run_id.value IS DISTINCT FROM now.first_run_id.value THEN 'first_run_id' END
        ) AS differing
    FROM folded
),
net AS (
    SELECT
        c.*,
        CASE
            WHEN was_there AND is_there AND differing = '' THEN CAST([] AS VARCHAR[])
            WHEN was_there AND is_there THEN string_split(differing, ',')
            ELSE [
                'block', 'action', 'side', 'status', 'country', 'service_canonical', 'actor_canonical',
                'actor_kind', 'scope', 'scope_class', 'date_value', 'date_from', 'date_to', 'lifted',
                'reason_classes', 'first_reported', 'last_reported', 'stories', 'articles', 'score', 'why',
                'voices', 'learned_on', 'retracted', 'dismissed', 'first_run_id'
            ]
        END AS net,
        coalesce(g.steps, []) AS steps,
        coalesce(m.arrived, []) AS arrived,
        coalesce(m.departed, []) AS departed,
        CASE WHEN heir.old_id IS NULL THEN c.heir_id ELSE heir.new_id END AS merged_into,
        CASE
            WHEN first_kind <> 'split' THEN NULL
            WHEN moved_on.old_id IS NULL THEN origin_id
            ELSE nullif(moved_on.new_id, c.event_id)
        END AS split_from
    FROM compared AS c
        LEFT JOIN gained AS g ON g.now_id = c.event_id AND g.now_life = c.now_life
        LEFT JOIN mentioned AS m ON m.now_id = c.event_id AND m.now_life = c.now_life
        LEFT JOIN event_forwards AS heir ON heir.old_id = c.heir_id
        LEFT JOIN event_forwards AS moved_on ON moved_on.old_id = c.origin_id
)
SELECT
    event_id,
    CASE
        WHEN NOT was_there THEN if(split_from IS NULL, 'appeared', 'split')
        WHEN NOT is_there THEN if(merged_into IS NULL, 'removed', 'merged')
        WHEN list_contains(net, 'dismissed') THEN if(now.dismissed.value, 'dismissed', 'restored')
        WHEN list_contains(net, 'retracted') THEN if(now.retracted.value, 'retracted', 'reinstated')
        WHEN list_contains(net, 'lifted') THEN if(now.lifted.value, 'ended', 'reopened')
        WHEN len(net) + len(arrived) + len(departed) + len(steps) > 0 THEN 'changed'
        ELSE 'renamed'
    END AS kind,
    CASE WHEN was_there AND first_id <> event_id THEN first_id END AS former_id,
    CASE WHEN NOT was_there THEN split_from WHEN NOT is_there THEN merged_into END AS other_id,
    net AS fields,
    CASE
        WHEN was_there THEN {
            'block': CASE WHEN list_contains(net, 'block') THEN was.block.value END,
            'action': CASE WHEN list_contains(net, 'action') THEN was.action.value END,
            'side': CASE WHEN list_contains(net, 'side') THEN was.side.value END,
            'status': CASE WHEN list_contains(net, 'status') THEN was.status.value END,
            'country': CASE WHEN list_contains(net, 'country') THEN was.country.value END,
            'service_canonical': CASE WHEN list_contains(net, 'service_canonical') THEN was.service_canonical.value END,
            'actor_canonical': CASE WHEN list_contains(net, 'actor_canonical') THEN was.actor_canonical.value END,
            'actor_kind': CASE WHEN list_contains(net, 'actor_kind') THEN was.actor_kind.value END,
            'scope': CASE WHEN list_contains(net, 'scope') THEN was.scope.value END,
            'scope_class': CASE WHEN list_contains(net, 'scope_class') THEN was.scope_class.value END,
            'date_value': CASE WHEN list_contains(net, 'date_value') THEN was.date_value.value END,
            'date_from': CASE WHEN list_contains(net, 'date_from') THEN was.date_from.value END,
            'date_to': CASE WHEN list_contains(net, 'date_to') THEN was.date_to.value END,
            'lifted': CASE WHEN list_contains(net, 'lifted') THEN was.lifted.value END,
            'reason_classes': CASE WHEN list_contains(net, 'reason_classes') THEN was.reason_classes.value END,
            'first_reported': CASE WHEN list_contains(net, 'first_reported') THEN was.first_reported.value END,
            'last_reported': CASE WHEN list_contains(net, 'last_reported') THEN was.last_reported.value END,
            'stories': CASE WHEN list_contains(net, 'stories') THEN was.stories.value END,
            'articles': CASE WHEN list_contains(net, 'articles') THEN was.articles.value END,
            'score': CASE WHEN list_contains(net, 'score') THEN was.score.value END,
            'why': CASE WHEN list_contains(net, 'why') THEN was.why.value END,
            'voices': CASE WHEN list_contains(net, 'voices') THEN was.voices.value END,
            'learned_on': CASE WHEN list_contains(net, 'learned_on') THEN was.learned_on.value END,
            'retracted': CASE WHEN list_contains(net, 'retracted') THEN was.retracted.value END,
            'dismissed': CASE WHEN list_contains(net, 'dismissed') THEN was.dismissed.value END,
            'first_run_id': CASE WHEN list_contains(net, 'first_run_id') THEN was.first_run_id.value END
        }
    END AS before,
    CASE
        WHEN is_there THEN {
            'block': CASE WHEN list_contains(net, 'block') THEN now.block.value END,
            'action': CASE WHEN list_contains(net, 'action') THEN now.action.value END,
            'side': CASE WHEN list_contains(net, 'side') THEN now.side.value END,
            'status': CASE WHEN list_contains(net, 'status') THEN now.status.value END,
            'country': CASE WHEN list_contains(net, 'country') THEN now.country.value END,
            'service_canonical': CASE WHEN list_contains(net, 'service_canonical') THEN now.service_canonical.value END,
            'actor_canonical': CASE WHEN list_contains(net, 'actor_canonical') THEN now.actor_canonical.value END,
            'actor_kind': CASE WHEN list_contains(net, 'actor_kind') THEN now.actor_kind.value END,
            'scope': CASE WHEN list_contains(net, 'scope') THEN now.scope.value END,
            'scope_class': CASE WHEN list_contains(net, 'scope_class') THEN now.scope_class.value END,
            'date_value': CASE WHEN list_contains(net, 'date_value') THEN now.date_value.value END,
            'date_from': CASE WHEN list_contains(net, 'date_from') THEN now.date_from.value END,
            'date_to': CASE WHEN list_contains(net, 'date_to') THEN now.date_to.value END,
            'lifted': CASE WHEN list_contains(net, 'lifted') THEN now.lifted.value END,
            'reason_classes': CASE WHEN list_contains(net, 'reason_classes') THEN now.reason_classes.value END,
            'first_reported': CASE WHEN list_contains(net, 'first_reported') THEN now.first_reported.value END,
            'last_reported': CASE WHEN list_contains(net, 'last_reported') THEN now.last_reported.value END,
            'stories': CASE WHEN list_contains(net, 'stories') THEN now.stories.value END,
            'articles': CASE WHEN list_contains(net, 'articles') THEN now.articles.value END,
            'score': CASE WHEN list_contains(net, 'score') THEN now.score.value END,
            'why': CASE WHEN list_contains(net, 'why') THEN now.why.value END,
            'voices': CASE WHEN list_contains(net, 'voices') THEN now.voices.value END,
            'learned_on': CASE WHEN list_contains(net, 'learned_on') THEN now.learned_on.value END,
            'retracted': CASE WHEN list_contains(net, 'retracted') THEN now.retracted.value END,
            'dismissed': CASE WHEN list_contains(net, 'dismissed') THEN now.dismissed.value END,
            'first_run_id': CASE WHEN list_contains(net, 'first_run_id') THEN now.first_run_id.value END
        }
    END AS after,
    steps,
    arrived,
    departed,
    changes,
    position,
    run_id,
    changed_at
FROM net
WHERE (was_there OR is_there)
    AND NOT (
        was_there AND is_there AND first_id = event_id AND len(net) + len(arrived) + len(departed) + len(steps) = 0
    )
ORDER BY position;

COMMENT ON MACRO TABLE changes_since IS 'What has become of events since a run (its id: since it ended), a time (since the last run that had ended by then, UTC; a day is its midnight) or a position in changes. One row per event, whatever it went through in between, and none for one that is as it was. What was there when the log began is no news. kind, fields, before and after as in changes: a new event has no before, one that is gone no after, and renamed is one that has another id now and is else the same. former_id is the id that it had then, where that was another; other_id the event that it was merged into or split from, by the id that this one has now. To bring a copy up to date, take away every former_id and all that is gone, then put in the others.';
