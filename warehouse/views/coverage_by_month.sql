CREATE VIEW coverage_by_month AS
SELECT
    period AS month, complete, sources, silent_sources, articles, expected, read_share, fetched, polls, answered, coverage
FROM coverage_by(every := 'month');

COMMENT ON VIEW coverage_by_month IS 'How much was read of what each month published, and whether that is enough to say anything of it. Months in which nothing was read have rows too.';
COMMENT ON COLUMN coverage_by_month.month IS 'Key: first day of the month.';
COMMENT ON COLUMN coverage_by_month.complete IS 'Whether the whole month lies between the first article and the last day on which we looked.';
COMMENT ON COLUMN coverage_by_month.sources IS 'How many sources brought articles of that month.';
COMMENT ON COLUMN coverage_by_month.silent_sources IS 'How many sources brought none, of which their own pace lets expect five or more.';
COMMENT ON COLUMN coverage_by_month.articles IS 'How many articles published in that month were read, whenever that was.';
COMMENT ON COLUMN coverage_by_month.expected IS 'How many the pace of the sources, over all the days from their first article on, lets expect.';
COMMENT ON COLUMN coverage_by_month.read_share IS 'articles / expected.';
COMMENT ON COLUMN coverage_by_month.fetched IS 'How many articles were read in that month, whenever they were published.';
COMMENT ON COLUMN coverage_by_month.polls IS 'How often feeds were asked in that month.';
COMMENT ON COLUMN coverage_by_month.answered IS 'How often they answered.';
COMMENT ON COLUMN coverage_by_month.coverage IS 'none (nothing was read), gaps (under two thirds of what is to be expected, or under half of the polls answered), thin (under 100 articles) or ok.';
