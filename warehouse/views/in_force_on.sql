CREATE MACRO in_force_on(d) AS TABLE
SELECT *
FROM restrictions
WHERE date_to <= CAST(d AS DATE)
    AND NOT (lifted AND coalesce(lifted_from, lift_reported, DATE '0001-01-01') <= CAST(d AS DATE));

COMMENT ON MACRO TABLE in_force_on IS 'Restrictions that were surely in force on a day: from the last day that their date allows until the first day that the date of their lifting allows, or the day it was reported. Undated restrictions are left out.';
