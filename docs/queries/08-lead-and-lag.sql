-- Does Australia follow the United States?
--
-- The services that both restricted, who was first, and by how many days (positive: the first country led).
-- `FROM lead_lag('US', 'AU')` sums them up.
--
-- **Traps.** To come later is not to follow: both may have heeded the same news. Few services are shared, so a median of
-- these days says little. Countries are those whose bodies act; a company's own ban counts for its country.
SELECT service_canonical AS service, first, a_first_date AS us, b_first_date AS au, days_min, days_max
FROM lead_lag_services('US', 'AU')
ORDER BY service;
