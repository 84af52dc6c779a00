CREATE VIEW sectors AS
WITH parts AS (
    SELECT sector, service_canonical, country, count(*) AS restrictions, count(*) FILTER (WHERE lifted) AS ended,
        count(*) - count(date_from) AS undated
    FROM restrictions
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

COMMENT ON VIEW sectors IS 'Where restrictions bite.';
