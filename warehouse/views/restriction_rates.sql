CREATE VIEW restriction_rates AS
SELECT
    period AS month, restrictions, articles, rate, rate_low, rate_high, sources, silent_sources, read_share, complete, coverage
FROM rates('all', every := 'month');

COMMENT ON VIEW restriction_rates IS 'Restrictions by the month of their first report, per 1,000 articles that were published in it and read.';
