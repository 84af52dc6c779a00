-- Was it a calm, or did we not look?
--
-- Restrictions by the month of their first report, per 1,000 articles of that month that were read, with a 95 % interval
-- and the judgement on coverage.
--
-- **Traps.** `thin`: under 100 articles. `gaps`: under two thirds of what the sources' own pace lets expect, or polls
-- that mostly failed. `none`: nothing was read, and nothing can be said. In such months a fall is no fall. The sample is
-- about restrictions on purpose, so its rates are absurdly high: read the flags. The month is that of the report, as
-- nobody can read articles by the date of what they tell.
SELECT month, restrictions, articles, round(rate) AS rate, round(rate_low) AS low, round(rate_high) AS high,
    sources, silent_sources, round(read_share, 2) AS read_share, coverage
FROM restriction_rates
WHERE month <= DATE '2025-04-01'
ORDER BY month;
