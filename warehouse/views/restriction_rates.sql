CREATE VIEW restriction_rates AS
SELECT
    period AS month, restrictions, articles, rate, rate_low, rate_high, sources, silent_sources, read_share, complete, coverage
FROM rates('all', every := 'month');

COMMENT ON VIEW restriction_rates IS 'Restrictions by the month of their first report, per 1,000 articles that were published in it and read: what an outage of ours does not change. Only rows with coverage ok bear comparison.';
COMMENT ON COLUMN restriction_rates.month IS 'Key: first day of the month; NULL for restrictions that no dated article reports.';
COMMENT ON COLUMN restriction_rates.restrictions IS 'How many restrictions were first reported in that month.';
COMMENT ON COLUMN restriction_rates.articles IS 'How many articles published in it were read.';
COMMENT ON COLUMN restriction_rates.rate IS 'Restrictions per 1,000 of these articles; NULL where none was read.';
COMMENT ON COLUMN restriction_rates.rate_low IS 'Lower end of the 95 % interval of the rate, by the number of restrictions alone.';
COMMENT ON COLUMN restriction_rates.rate_high IS 'Upper end of that interval.';
COMMENT ON COLUMN restriction_rates.sources IS 'How many sources brought articles of that month.';
COMMENT ON COLUMN restriction_rates.silent_sources IS 'How many sources brought none, of which their own pace lets expect five or more.';
COMMENT ON COLUMN restriction_rates.read_share IS 'Articles read as a share of what the pace of the sources lets expect.';
COMMENT ON COLUMN restriction_rates.complete IS 'Whether the whole month lies between the first article and the last day on which we looked.';
COMMENT ON COLUMN restriction_rates.coverage IS 'none, gaps, thin or ok, as in coverage_by_month.';
