-- What came of proposals and announcements?
--
-- Events that were at some time proposed or announced, by what they have come to.
--
-- **Traps.** A status stands until an article says more: a proposal that the press forgot stays proposed. Proposals are
-- never counted as restrictions. `days` is known only where both days are stated exactly.
WITH steps AS (
    SELECT
        event_id,
        min(kind) FILTER (WHERE kind IN ('proposed', 'announced')) AS began_as,
        min(date_from) FILTER (WHERE kind IN ('proposed', 'announced') AND date_from = date_to) AS began_on,
        min(date_from) FILTER (WHERE kind = 'in_force' AND date_from = date_to) AS in_force_on
    FROM event_transitions
    WHERE event_id IN (SELECT event_id FROM event_transitions WHERE kind IN ('proposed', 'announced'))
    GROUP BY event_id
)
SELECT s.began_as, e.status AS now, count(*) AS events, median(in_force_on - began_on) AS median_days
FROM steps AS s JOIN events AS e USING (event_id)
WHERE NOT e.dismissed AND NOT e.retracted
GROUP BY ALL
ORDER BY events DESC, began_as, now;
