-- How many of these events are likely to be right?
--
-- Scores are probabilities, so their sum is the number of events that one may expect to be right. Low ones are for a
-- person to look at (`clampdown review` puts them in order).
--
-- **Traps.** Scores were fitted on news passages and err by some nine points on other texts ([trust.md](trust.md)). A
-- high cut leaves few wrong events and few events: what it costs was measured there. The score of an event that several
-- voices carry is the chance that at least one is right.
SELECT
    if(voices >= 2, '2 or more', '1') AS voices,
    floor(round(score, 3) * 5) / 5 AS score_from,
    count(*) AS events,
    round(sum(score)) AS expected_right
FROM events
WHERE NOT dismissed AND NOT retracted
GROUP BY ALL
ORDER BY voices, score_from;
