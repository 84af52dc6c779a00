-- What kinds of service are restricted, year by year?
--
-- Categories are those of the registry of services.
--
-- **Traps.** A service that is in no registry has no category: `(not in the registry)`. In query 1 the period was a
-- month; here it is a year, so fewer dates are too coarse to be placed.
SELECT period, coalesce(value, '(not in the registry)') AS category, restrictions
FROM trend('category', every := 'year')
ORDER BY period DESC NULLS LAST, restrictions DESC, category;
