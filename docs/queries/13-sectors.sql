-- Where do restrictions bite?
--
-- Sectors come from the class of the scope ("government devices", "schools"); where none is stated, from who acts.
--
-- **Traps.** A scope that no text states is NULL, not "everyone". Where neither scope nor actor tells, so is the sector.
SELECT coalesce(sector, '(cannot be told)') AS sector, restrictions, open, ended, services, countries, undated
FROM sectors
ORDER BY restrictions DESC, sector;
