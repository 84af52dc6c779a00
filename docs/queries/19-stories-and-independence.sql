-- How many independent witnesses does an event have?
--
-- Articles, stories (copies of one text count once) and voices (stories of one owner count once) that carry an event.
--
-- **Traps.** Ten reprints of an agency report are one witness. Voices are told apart by text and owner only: two papers
-- that both retell a third one's scoop in their own words are two. Set `owner` in the source list.
SELECT
    service_canonical AS service,
    coalesce(actor_canonical, country) AS actor,
    action,
    date_value AS date,
    articles,
    stories,
    voices
FROM restrictions
ORDER BY voices DESC, articles DESC, service, actor, date
LIMIT 10;
