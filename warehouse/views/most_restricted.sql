CREATE VIEW most_restricted AS
WITH by_country AS (
    SELECT
        service_canonical,
        country,
        min(category) AS category,
        count(*) AS restrictions,
        count(*) FILTER (WHERE lifted) AS ended,
        count(*) - count(date_from) AS undated,
        min(date_from) AS first_from,
        min(date_to) AS first_to,
        max(last_reported) AS last_reported
    FROM restrictions
    GROUP BY service_canonical, country
)
SELECT
    service_canonical,
    min(category) AS category,
    CAST(sum(restrictions) AS BIGINT) AS restrictions,
    CAST(sum(restrictions) - sum(ended) AS BIGINT) AS open,
    CAST(sum(ended) AS BIGINT) AS ended,
    count(*) FILTER (WHERE country NOT IN ('EU', 'XX')) AS countries,
    CAST(sum(undated) AS BIGINT) AS undated,
    min(first_from) AS first_from,
    min(first_to) AS first_to,
    max(last_reported) AS last_reported
FROM by_country
GROUP BY service_canonical
ORDER BY countries DESC, restrictions DESC, service_canonical;

COMMENT ON VIEW most_restricted IS 'Services by how many countries, and how many restrictions, there have been.';
