CREATE VIEW sectors AS
WITH parts AS (
    SELECT sector, service_canonical, country, count(*) AS restrictions, count(*) FILTER (WHERE lifted) AS ended,
        count(*) - count(date_from) AS undated
    FROM imposed
    GROUP BY ALL
)
SELECT
    sector,
    CAST(sum(restrictions) AS BIGINT) AS restrictions,
    CAST(sum(restrictions) - sum(ended) AS BIGINT) AS open,
    CAST(sum(ended) AS BIGINT) AS ended,
    count(DISTINCT service_canonical) AS services,
    count(DISTINCT country) FILTER (WHERE country NOT IN ('EU', 'XX')) AS countries,
    CAST(sum(undated) AS BIGINT) AS undated
FROM parts
GROUP BY sector
ORDER BY restrictions DESC, sector;

COMMENT ON VIEW sectors IS 'Where restrictions bite: by the class of the scope; where none is stated, by who acts. An army, a school and a company bind their own, a public body without a scope everyone.';
COMMENT ON COLUMN sectors.sector IS 'Key: as in restrictions; NULL if neither scope nor actor tells.';
COMMENT ON COLUMN sectors.restrictions IS 'How many restrictions, ended or not.';
COMMENT ON COLUMN sectors.open IS 'How many of them have not ended, as far as is known.';
COMMENT ON COLUMN sectors.ended IS 'How many were lifted or struck down.';
COMMENT ON COLUMN sectors.services IS 'How many different services they are about.';
COMMENT ON COLUMN sectors.countries IS 'How many countries'' bodies and companies imposed them; EU and XX are none.';
COMMENT ON COLUMN sectors.undated IS 'How many restrictions have no stated date.';
