-- How many restrictions took force each month, by action?
--
-- Counts restrictions that took force, by the month of the date that the articles state. Proposals, rejected plans and
-- what was retracted or dismissed are left out.
--
-- **Traps.** Rows without a period are counted too, so that sums are complete: their date is too coarse for a month
-- (`year` is then filled) or not stated at all. More restrictions in a month may only mean that more was read of it:
-- see query 17. An event has one action; a measure that is first limited and then widened to a ban is one event.
SELECT period, year, value AS action, restrictions
FROM trend('action', every := 'month')
WHERE year >= 2024 OR year IS NULL
ORDER BY period DESC NULLS LAST, year DESC NULLS LAST, restrictions DESC, action;
