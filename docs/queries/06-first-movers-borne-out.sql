-- Who was first, if at least two independent voices must say so?
--
-- The first restriction of each country that two or more voices carry: stories that share neither a text nor an owner.
--
-- **Traps.** Asking for two voices takes out most misreadings (in a test of ours 86 % of such events were right, of those
-- that one voice carries 47 %; see [trust.md](trust.md)), and with them countries that few of the sources write
-- about. `first_movers('DeepSeek')` gives the answer without that demand, with the roles *first*, *perhaps*, *tied* and
-- *follower*.
SELECT
    country,
    arg_min(date_value, (date_to, date_from)) AS first_date,
    arg_min(actor_canonical, (date_to, date_from, actor_canonical)) AS by_whom,
    count(*) AS restrictions,
    max(voices) AS most_voices
FROM restrictions
WHERE service_canonical = 'DeepSeek' AND voices >= 2 AND date_from IS NOT NULL
GROUP BY country
ORDER BY min(date_to), country;
