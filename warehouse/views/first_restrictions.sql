CREATE MACRO first_restrictions(service := NULL, basis := 'stated', public_only := false, min_voices := 1) AS TABLE
WITH named AS (
    -- Another's alias gives way to a name: "app store" is both.
    SELECT name FROM services
    WHERE lower(name) = lower(service)
        OR EXISTS (SELECT 1 FROM unnest(aliases) AS other(alias) WHERE lower(alias) = lower(service))
    QUALIFY rank() OVER (ORDER BY lower(name) <> lower(service)) = 1
),
counted AS (
    SELECT
        CASE WHEN service IS NULL THEN service_canonical ELSE coalesce((SELECT min(name) FROM named), service) END
            AS service_canonical,
        country,
        date_from,
        date_to,
        first_reported
    FROM imposed
    WHERE (
            service IS NULL
            OR lower(service_canonical) = lower(service)
            OR service_canonical IN (SELECT name FROM named)
        )
        AND (min_voices <= 1 OR voices >= min_voices)
        AND (
            NOT public_only
            OR actor_kind IN (
                'government', 'ministry', 'regulator', 'data_protection', 'court', 'legislature', 'subnational',
                'military', 'police', 'international'
            )
        )
),
grouped AS (
    SELECT
        service_canonical,
        country,
        count(*) AS restrictions,
        count(*) - count(date_from) AS undated,
        min(date_from) AS stated_from,
        min(date_to) AS stated_to,
        min(first_reported) AS first_reported
    FROM counted
    GROUP BY service_canonical, country
),
firsts AS (
    SELECT
        service_canonical,
        country,
        country NOT IN ('EU', 'XX') AS is_country,
        restrictions,
        undated,
        first_reported,
        CASE
            WHEN stated_from IS NOT NULL THEN 'stated'
            WHEN basis = 'reported' AND first_reported IS NOT NULL THEN 'reported'
            WHEN basis NOT IN ('stated', 'reported') THEN error('the basis is stated or reported')
        END AS date_basis,
        coalesce(stated_from, CASE WHEN basis = 'reported' THEN first_reported END) AS first_from,
        coalesce(stated_to, CASE WHEN basis = 'reported' THEN first_reported END) AS first_to
    FROM grouped
)
SELECT
    service_canonical,
    country,
    is_country,
    CASE
        WHEN first_from = first_to THEN strftime(first_from, '%Y-%m-%d')
        WHEN first_from = date_trunc('month', first_from) AND first_to = last_day(first_from)
            THEN strftime(first_from, '%Y-%m')
        WHEN first_from = make_date(year(first_from), 1, 1) AND first_to = make_date(year(first_from), 12, 31)
            THEN strftime(first_from, '%Y')
        WHEN first_from IS NOT NULL
            THEN strftime(first_from, '%Y-%m-%d') || '/' || strftime(first_to, '%Y-%m-%d')
    END AS first_date,
    first_from,
    first_to,
    CASE
        WHEN first_from = first_to THEN 'day'
        WHEN first_from = date_trunc('month', first_from) AND first_to = last_day(first_from) THEN 'month'
        WHEN first_from = make_date(year(first_from), 1, 1) AND first_to = make_date(year(first_from), 12, 31)
            THEN 'year'
        WHEN first_from IS NOT NULL THEN 'range'
    END AS date_precision,
    date_basis,
    first_reported,
    restrictions,
    undated
FROM firsts
ORDER BY service_canonical, is_country DESC, first_to NULLS LAST, first_from, country;

COMMENT ON MACRO TABLE first_restrictions IS 'Per service and country the first restriction, on a day from first_from to first_to; all services, or one by any of its names. Several restrictions by one country count once: its first day lies between the earliest first day and the earliest last day that their dates allow. A country whose restrictions are all undated has no date, unless basis := ''reported'' gives it the day of the first report. EU and XX have rows, with is_country false. min_voices := 2 counts those alone that two independent voices carry.';
