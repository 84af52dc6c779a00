CREATE TABLE actors AS
WITH acting AS (
    SELECT
        actor_canonical,
        country,
        count(*) AS events,
        count(*) FILTER (WHERE side = 'restricting' AND status = 'in_force' AND NOT retracted AND NOT dismissed)
            AS restrictions,
        count(DISTINCT service_canonical) AS services,
        min(first_reported) AS first_reported,
        max(last_reported) AS last_reported
    FROM events
    WHERE actor_canonical IS NOT NULL
    GROUP BY actor_canonical, country
),
kinds AS (
    SELECT actor_canonical, country, actor_kind
    FROM events
    WHERE actor_canonical IS NOT NULL AND actor_kind IS NOT NULL
    GROUP BY actor_canonical, country, actor_kind
    QUALIFY row_number() OVER (PARTITION BY actor_canonical, country ORDER BY count(*) DESC, actor_kind) = 1
)
SELECT
    a.actor_canonical,
    a.country,
    coalesce(b.kind, k.actor_kind) AS kind,
    b.body_id,
    b.part_of,
    a.events,
    a.restrictions,
    a.services,
    a.first_reported,
    a.last_reported
FROM acting AS a
    LEFT JOIN bodies AS b ON b.name = a.actor_canonical AND b.country = a.country
    LEFT JOIN kinds AS k ON k.actor_canonical = a.actor_canonical AND k.country = a.country
ORDER BY a.actor_canonical, a.country;

COMMENT ON TABLE actors IS 'Everyone who acts in an event, in the registry of bodies or not. Events whose actor no text names are in no row.';
COMMENT ON COLUMN actors.actor_canonical IS 'Key, with country: full English name.';
COMMENT ON COLUMN actors.country IS 'Key, with actor_canonical: ISO 3166-1 alpha-2 code; EU for the Union, XX if it can''t be told.';
COMMENT ON COLUMN actors.kind IS 'What sort of body it is: by the registry or, outside it, as most of its events say; NULL if none says.';
COMMENT ON COLUMN actors.body_id IS 'Its id in bodies; NULL if it is not in the registry.';
COMMENT ON COLUMN actors.part_of IS 'body_id of the body that it belongs to, by the registry; NULL if none.';
COMMENT ON COLUMN actors.events IS 'In how many events it acts, of any action and status, retracted and dismissed ones too.';
COMMENT ON COLUMN actors.restrictions IS 'How many of these are restrictions, as the view of that name counts them.';
COMMENT ON COLUMN actors.services IS 'How many different services its events are about.';
COMMENT ON COLUMN actors.first_reported IS 'Earliest day of publication of an article on one of its events; NULL if none is dated.';
COMMENT ON COLUMN actors.last_reported IS 'Latest day of publication of an article on one of its events; NULL if none is dated.';
