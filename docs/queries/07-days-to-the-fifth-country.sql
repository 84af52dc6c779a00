-- How many days pass from the first to the fifth country?
--
-- Per service the days between the first country and the fifth, as a range: dates are as exact as they are stated.
--
-- **Traps.** As in query 5, the first date decides, and one misread date moves it by years. Services that five countries
-- have not restricted are left out, which makes what is left look fast; countries whose restrictions are all undated
-- (`undated_countries`) may have been among the first five.
SELECT service_canonical AS service, countries, undated_countries, first_from, first_to, nth_from, nth_to, days_min, days_max
FROM days_to_nth(5)
WHERE reached
ORDER BY days_max, service;
