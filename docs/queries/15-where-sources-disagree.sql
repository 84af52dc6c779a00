-- Where do the sources of one event disagree?
--
-- Events about DeepSeek in Italy and South Korea for which different days, statuses or actions are stated, with every
-- value and how many articles state it.
--
-- **Traps.** A date that is merely less exact ("in January") does not disagree with one in it, so only whole days are
-- compared. Copies of one text repeat its error: `articles` is not a vote. What the event says in the end is voted by
-- independent voices; `clampdown show EVENT` tells that vote.
WITH said AS (
    SELECT
        em.event_id,
        m.article_id,
        f.field,
        CASE f.field
            WHEN 'action' THEN m.action
            WHEN 'status' THEN m.status
            WHEN 'date' THEN CASE WHEN length(m.date_value) = 10 THEN m.date_value END
        END AS value
    FROM mentions AS m
        JOIN event_mentions AS em USING (mention_id)
        CROSS JOIN (VALUES ('action'), ('status'), ('date')) AS f(field)
    WHERE m.service_canonical = 'DeepSeek' AND m.country IN ('IT', 'KR') AND m.withdrawn_on IS NULL
),
stated AS (
    SELECT event_id, field, value, count(DISTINCT article_id) AS articles
    FROM said
    WHERE value IS NOT NULL
    GROUP BY ALL
)
SELECT
    e.country,
    coalesce(e.actor_canonical, e.country) AS actor,
    s.field,
    string_agg(s.value || ' × ' || s.articles, ', ' ORDER BY s.articles DESC, s.value) AS stated
FROM stated AS s JOIN events AS e USING (event_id)
GROUP BY event_id, e.country, e.actor_canonical, s.field
HAVING count(*) > 1
ORDER BY sum(s.articles) DESC, actor, s.field, stated;
