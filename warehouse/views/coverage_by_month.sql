CREATE VIEW coverage_by_month AS
SELECT
    period AS month, complete, sources, silent_sources, articles, expected, read_share, fetched, polls, answered, coverage
FROM coverage_by(every := 'month');

COMMENT ON VIEW coverage_by_month IS 'How much was read of each month, and whether that is enough to say anything of it.';
