-- Which services are restricted most?
--
-- By how many countries, then by how many restrictions; `open` ones have no reported end.
--
-- **Traps.** The more a service is written about, the more of its restrictions are found. Ten agencies of one government
-- that each ban it are ten restrictions and one country: `countries` is the steadier figure.
SELECT service_canonical AS service, category, countries, restrictions, open, ended, undated
FROM most_restricted
ORDER BY countries DESC, restrictions DESC, service;
