-- Who was first, if at least two independent voices must say so?
--
-- The first movers and the followers, counting only restrictions that two or more voices carry: stories that share
-- neither a text nor an owner. `perhaps` is who may have been first, as far as the dates tell.
--
-- **Traps.** Asking for two voices takes out most misreadings (in a test of ours 85 % of such events were right, of those
-- that one voice carries 48 %; see [trust.md](trust.md)), and with them countries that few of the sources write
-- about. Most trend questions take `min_voices`; compare both answers.
SELECT country, role, first_date, days_min, days_max, restrictions, undated
FROM first_movers('DeepSeek', min_voices := 2)
ORDER BY first_to NULLS LAST, first_from, country;
