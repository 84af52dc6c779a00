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
    FROM imposed
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

COMMENT ON VIEW most_restricted IS 'Services by how many countries, and how many restrictions, there have been. EU and XX are restrictions, but no countries.';
COMMENT ON COLUMN most_restricted.service_canonical IS 'Key: usual English name of the service.';
COMMENT ON COLUMN most_restricted.category IS 'What sort of service it is, by the registry; NULL if it is not in there.';
COMMENT ON COLUMN most_restricted.restrictions IS 'How many restrictions, ended or not.';
COMMENT ON COLUMN most_restricted.open IS 'How many of them have not ended, as far as is known.';
COMMENT ON COLUMN most_restricted.ended IS 'How many were lifted or struck down.';
COMMENT ON COLUMN most_restricted.countries IS 'How many countries'' bodies and companies have restricted it, each counted once.';
COMMENT ON COLUMN most_restricted.undated IS 'How many restrictions have no stated date.';
COMMENT ON COLUMN most_restricted.first_from IS 'First day on which the first dated one may have begun; NULL if none is dated.';
COMMENT ON COLUMN most_restricted.first_to IS 'Last day on which the first dated one may have begun; NULL if none is dated.';
COMMENT ON COLUMN most_restricted.last_reported IS 'Publication day of the latest dated article on any of them.';
