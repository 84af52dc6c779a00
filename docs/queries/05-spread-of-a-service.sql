-- How did restrictions on DeepSeek spread from country to country?
--
-- One row per country: when it first restricted the service, as exactly as that can be told, and how many countries
-- surely had by the end of that (`countries`). Any name of the service works.
--
-- **Traps.** A first date is the most fragile figure here: one misread date is enough. In the sample South Korea leads
-- with 2013, twelve years before there was anything to ban; query 16 finds the words that were misread. A range
-- (`2025-01-01/2025-01-24`) means that one text says "in January" and another names the 24th. Companies' and schools'
-- restrictions count as their country's; `public_only := true` leaves them out.
SELECT country, first_date, rank, rank_to, countries, restrictions, undated, first_reported
FROM spread('DeepSeek')
ORDER BY first_to NULLS LAST, first_from, country;
