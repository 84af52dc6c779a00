-- Which reasons are given for restricting DeepSeek, and do they change?
--
-- `share` is the share of those restrictions of the period for which a reason is stated (`stating`).
--
-- **Traps.** Reasons are those that the body that restricts gives, as articles quote it: nobody's motives. A restriction
-- with two reasons counts under both, so shares add up to more than 1. Most articles state none: the row without a
-- reason says how many.
SELECT period, coalesce(reason, '(none stated)') AS reason, restrictions, stating, round(share, 2) AS share
FROM reasons_over_time('DeepSeek', every := 'month')
ORDER BY period NULLS LAST, restrictions DESC, reason;
