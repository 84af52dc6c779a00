"""The SQL that makes the warehouse of `benchmarks.analysis_world`, step by step; braces are filled in there."""

MACROS = """
CREATE OR REPLACE TEMP MACRO u(a, k) AS (hash(a, k) % 1000003) / 1000003.0;
CREATE OR REPLACE TEMP MACRO zipf(a, k, n) AS CAST(floor(pow(n, u(a, k))) AS INTEGER) - 1;
CREATE OR REPLACE TEMP MACRO pick(list, a, k) AS list[1 + CAST(floor(u(a, k) * len(list)) AS INTEGER)];
CREATE OR REPLACE TEMP MACRO id(kind, a) AS left(md5(kind || a), 20);
CREATE OR REPLACE TEMP MACRO run_of(day) AS strftime(day, '%Y%m%dT063000.000000Z');
CREATE OR REPLACE TEMP MACRO article_of(n) AS n - (n + 1) // 5;
CREATE OR REPLACE TEMP MACRO quoted(s, words) AS instr(s, words) - 1;
"""

PLAN = """
CREATE TABLE plan.events AS
WITH made AS (
    SELECT
        i,
        id('event', i) AS event_id,
        least({most}, CAST(floor(1 / greatest(u(i, 1), 1e-6)) AS INTEGER)) AS size,
        DATE '{first_day}' + CAST(floor(u(i, 2) * {days}) AS INTEGER) AS day,
        zipf(i, 3, (SELECT count(*) FROM services)) AS service,
        zipf(i, 4, (SELECT count(*) FROM bodies)) AS body,
        pick(['ban', 'ban', 'ban', 'block', 'block', 'suspend', 'limit', 'limit', 'remove', 'warn', 'investigate',
              'penalize', 'lift'], i, 5) AS action,
        pick(['in_force', 'in_force', 'in_force', 'announced', 'proposed', 'rejected'], i, 6) AS status,
        pick([NULL, 'nationwide', 'nationwide', 'subnational', 'government_devices', 'military', 'workplace',
              'schools', 'minors', 'app_stores', 'critical_infrastructure', 'exports', 'other'], i, 7) AS scope_class,
        pick(['day', 'day', 'day', 'month', 'month', 'year', NULL], i, 8) AS precision,
        pick(['privacy', 'national_security', 'cybersecurity', 'content', 'child_protection', 'public_order', 'legal',
              'competition', 'safety', NULL], i, 9) AS reason,
        u(i, 10) < 0.12 AS ends
    FROM range({events}) AS t(i)
)
SELECT
    made.*,
    s.name AS service_name,
    lower(s.name) AS service_key,
    if(u(i, 11) < 0.15, NULL, b.name) AS actor,
    if(u(i, 11) < 0.15, NULL, b.kind) AS actor_kind,
    b.country,
    CASE WHEN action = 'lift' THEN 'easing' WHEN action IN ('warn', 'investigate', 'penalize') THEN 'pressing'
         ELSE 'restricting' END AS side,
    CASE precision WHEN 'day' THEN strftime(day, '%Y-%m-%d') WHEN 'month' THEN strftime(day, '%Y-%m')
                   WHEN 'year' THEN strftime(day, '%Y') END AS date_value,
    CAST(CASE precision WHEN 'day' THEN day WHEN 'month' THEN date_trunc('month', day)
                        WHEN 'year' THEN date_trunc('year', day) END AS DATE) AS date_from,
    CAST(CASE precision WHEN 'day' THEN day WHEN 'month' THEN last_day(day)
                        WHEN 'year' THEN make_date(year(day), 12, 31) END AS DATE) AS date_to,
    day + 20 + CAST(u(i, 12) * 300 AS INTEGER) AS end_day,
    coalesce(b.name, 'It was said that somebody') || ' ' || action || 'ed ' || s.name
        || coalesce(' for ' || replace(scope_class, '_', ' ') || ' use', '')
        || coalesce(' in ' || CASE precision WHEN 'day' THEN strftime(day, '%Y-%m-%d')
                              WHEN 'month' THEN strftime(day, '%Y-%m') WHEN 'year' THEN strftime(day, '%Y') END, '')
        || coalesce(', citing ' || replace(reason, '_', ' ') || ' concerns', '') || '.' AS sentence
FROM made
    JOIN (SELECT *, row_number() OVER (ORDER BY hash(service_id)) - 1 AS rank FROM services) AS s ON s.rank = service
    JOIN (SELECT *, row_number() OVER (ORDER BY hash(body_id)) - 1 AS rank FROM bodies) AS b ON b.rank = body;

CREATE TABLE plan.mentions AS
SELECT CAST(row_number() OVER (ORDER BY reported, hash(i, j)) - 1 AS INTEGER) AS n, i, j, reported
FROM (
    SELECT i, CAST(j AS INTEGER) AS j, day + CAST(floor(
        CASE WHEN j = 0 THEN 0
             WHEN u(i * 20000 + j, 20) < 0.65 THEN 4 * u(i * 20000 + j, 21)
             WHEN u(i * 20000 + j, 20) < 0.88 THEN 30 * u(i * 20000 + j, 21)
             ELSE 30 * pow(50, u(i * 20000 + j, 21)) END) AS INTEGER) AS reported
    FROM plan.events, range(size) AS t(j)
)
ORDER BY n;

CREATE TABLE plan.words AS
SELECT k, string_agg(pick(['the', 'a', 'of', 'in', 'said', 'that', 'on', 'law', 'users', 'office', 'company', 'app',
        'rules', 'after', 'officials', 'data', 'service', 'would', 'market', 'court', 'statement', 'Tuesday', 'week',
        'review', 'access', 'measure', 'order', 'agency', 'phones', 'platform', 'report', 'spokesman', 'answer',
        'according', 'state', 'children', 'new', 'firm', 'network', 'public'], k * 1000 + w, 30)
        || if(w % 7 = 0, ' ' || left(md5(k || '-' || w), 6), ''), ' ' ORDER BY w) AS words
FROM range(4096) AS t(k), range(120) AS s(w) GROUP BY k;
"""

ARTICLES = """
CREATE OR REPLACE TEMP TABLE told AS
SELECT
    m.n, m.i, m.j, m.reported, article_of(m.n) AS a, m.n % 5 = 4 AS second,
    e.* EXCLUDE (i, day)
FROM plan.mentions AS m JOIN plan.events AS e USING (i)
WHERE m.n BETWEEN {first} AND {last};

CREATE OR REPLACE TEMP TABLE read AS
WITH held AS (
    SELECT a, first(n) FILTER (NOT second) AS n, min(i) FILTER (NOT second) AS i, min(j) FILTER (NOT second) AS j,
           any_value(reported) AS day, any_value(sentence) FILTER (NOT second) AS one,
           any_value(sentence) FILTER (second) AS two,
           any_value(service_name || ' ' || action || 'ed') FILTER (NOT second) AS title, true AS telling
    FROM told GROUP BY a
    UNION ALL
    SELECT 2000000000 + m.n, m.n, NULL, NULL, m.reported, NULL, NULL, 'News of the day ' || m.n, false
    FROM plan.mentions AS m WHERE m.n BETWEEN {first} AND {last} AND m.n % 5 = 2
)
SELECT
    a, i, j, n, day, telling, id('article', a) AS article_id, id('entry', a) AS entry_id,
    zipf(a, 40, {sources}) AS source,
    'https://s' || zipf(a, 40, {sources}) || '.example/' || year(day) || '/' || a AS url,
    title, if(u(a, 41) < 0.025, NULL, day) AS published_on,
    title || chr(10) || chr(10) || substr(w.words, 1 + a % 300, 130) || ' ' || coalesce(one, '') || ' '
        || substr(v.words, 1 + a % 250, 130) || coalesce(' ' || two, '') AS text,
    len(title) + 2 + 131 AS at_one, len(title) + 2 + 131 + len(one) + 1 + 131 AS at_two
FROM held
    JOIN plan.words AS w ON w.k = hash(a, 42) % 4096 JOIN plan.words AS v ON v.k = hash(a, 43) % 4096;

INSERT INTO entries BY NAME
SELECT entry_id, 's' || source AS source_id, 'guid-' || a AS guid, url, url AS canonical_url, title, '' AS summary,
       '' AS content, published_on, 'feed' AS published_basis, 'day' AS published_precision, [] AS authors,
       'en' AS language, run_of(day) AS run_id, left(md5(title), 20) AS fingerprint, 0 AS revisions,
       day + TIME '06:30:01' AS fetched_at, strftime(day, '%Y/%m/%d/') || left(md5(day::VARCHAR), 16) AS archive_part,
       a % 100000 AS archive_offset, 2000 AS archive_length, sha256(day::VARCHAR) AS archive_sha256
FROM read ORDER BY day, a;

INSERT INTO outcomes BY NAME
SELECT entry_id, if(telling, 'events', 'no_event') AS outcome, 1 AS attempts, article_id,
       strftime(day, '%Y/%m/%d/') || left(md5(a::VARCHAR), 16) AS archive_part, a % 100000 AS archive_offset,
       9000 AS archive_length, sha256(a::VARCHAR) AS archive_sha256, run_of(day) AS run_id
FROM read ORDER BY day, a;

INSERT INTO articles BY NAME
SELECT article_id, entry_id, 's' || source AS source_id, url AS canonical_url, url, title, text, 'page' AS text_origin,
       published_on, 'feed' AS published_basis, 'day' AS published_precision, 'en' AS language,
       's' || source || '.example' AS site, [] AS authors, false AS paywalled, [] AS issues,
       day + TIME '06:31:00' + INTERVAL (a % 3600) SECOND AS fetched_at,
       strftime(day, '%Y/%m/%d/') || left(md5(a::VARCHAR), 16) AS archive_part, a % 100000 AS archive_offset,
       9000 AS archive_length, sha256(a::VARCHAR) AS archive_sha256, run_of(day) AS run_id, false AS soft_404,
       1 AS version
FROM read ORDER BY day, a;

INSERT INTO story_members BY NAME
SELECT id('story', coalesce(i * 20000 + j // 2, -a)) AS story_id, article_id, ''::BLOB AS signature,
       sha256(coalesce(i * 20000 + j // 2, -a)::VARCHAR) AS body_hash, hash(i, j // 2) AS body, ''::BLOB AS digest,
       published_on, if(j % 2 = 1, id('article', i * 20000 + j - 1), NULL) AS parent_id, j % 2 AS similarity
FROM (SELECT * REPLACE (coalesce(j, 0) AS j) FROM read) ORDER BY day, a;
"""

MENTIONS = """
INSERT INTO mentions BY NAME
SELECT
    id('mention', t.n) AS mention_id, r.article_id, t.service_key || '|' || t.country AS block, t.action, t.status,
    t.country, t.service_name AS service_canonical, t.actor AS actor_canonical, t.actor_kind, t.scope_class,
    if(u(t.n, 50) < 0.6, t.date_value, NULL) AS date_value,
    if(t.reason IS NULL, [], [t.reason]) AS reason_classes,
    t.action || 'ed' AS trigger_quote, b + quoted(t.sentence, t.action || 'ed') AS trigger_start,
    b + quoted(t.sentence, t.action || 'ed') + len(t.action) + 2 AS trigger_end,
    t.service_name AS service_quote, b + quoted(t.sentence, ' ' || t.service_name) + 1 AS service_start,
    b + quoted(t.sentence, ' ' || t.service_name) + 1 + len(t.service_name) AS service_end,
    t.actor AS actor_quote, if(t.actor IS NULL, NULL, b) AS actor_start, b + len(t.actor) AS actor_end,
    replace(t.scope_class, '_', ' ') AS scope_quote,
    b + quoted(t.sentence, 'for ' || replace(t.scope_class, '_', ' ')) + 4 AS scope_start,
    b + quoted(t.sentence, 'for ' || replace(t.scope_class, '_', ' ')) + 4 + len(t.scope_class) AS scope_end,
    if(u(t.n, 50) < 0.6, t.date_value, NULL) AS date_quote,
    if(u(t.n, 50) < 0.6, b + quoted(t.sentence, ' in ' || t.date_value) + 4, NULL) AS date_start,
    if(u(t.n, 50) < 0.6, b + quoted(t.sentence, ' in ' || t.date_value) + 4 + len(t.date_value), NULL) AS date_end,
    replace(t.reason, '_', ' ') AS reason_quote,
    b + quoted(t.sentence, ', citing ' || replace(t.reason, '_', ' ')) + 9 AS reason_start,
    b + quoted(t.sentence, ', citing ' || replace(t.reason, '_', ' ')) + 9 + len(t.reason) AS reason_end,
    round(0.5 + u(t.n, 51) / 2, 4) AS score,
    MAP {{'action': round(u(t.n, 52), 4), 'actor': round(u(t.n, 53), 4), 'event': round(u(t.n, 54), 4),
          'service': round(u(t.n, 55), 4), 'trigger': round(u(t.n, 56), 4)}} AS scores,
    'made-up' AS model, run_of(t.reported) AS run_id, r.published_on AS reported_on, t.reported AS learned_on,
    if(u(t.n, 57) < 0.003, t.reported + 3, NULL) AS withdrawn_on, 1 AS version, 0 AS edition,
    t.service_key AS context_words, t.service_key AS context_names
FROM (SELECT told.*, if(second, r.at_two, r.at_one) AS b FROM told JOIN read AS r USING (a)) AS t
    JOIN read AS r USING (a)
ORDER BY t.n;
"""

TOUCHED = """
CREATE OR REPLACE TEMP TABLE touched AS SELECT DISTINCT i, event_id FROM told;

CREATE OR REPLACE TEMP TABLE held AS
SELECT e.*, m.mentions, m.stories, m.articles, m.first_reported, m.last_reported, m.first_n, m.second_day
FROM plan.events AS e JOIN (
    SELECT m.i, count(*) AS mentions, count(DISTINCT m.j // 2) AS stories, count(DISTINCT article_of(m.n)) AS articles,
           min(m.reported) AS first_reported, max(m.reported) AS last_reported, min(m.n) AS first_n,
           min(m.reported) FILTER (m.j > 0) AS second_day
    FROM plan.mentions AS m SEMI JOIN touched USING (i) WHERE m.n <= {last} GROUP BY m.i
) AS m USING (i)
ORDER BY first_n;
"""

_EVENT_COLUMNS = """
    event_id, action, side, status, country, service_name AS service_canonical, actor AS actor_canonical, actor_kind,
    replace(scope_class, '_', ' ') AS scope, scope_class, date_value, date_from, date_to,
    if(reason IS NULL, [], [reason]) AS reason_classes, first_reported
"""

_ENDED = "ends AND status = 'in_force' AND side = 'restricting' AND end_day <= last_reported"

EVENTS = f"""
INSERT INTO events BY NAME
SELECT {_EVENT_COLUMNS}, service_key || '|' || country AS block, {_ENDED} AS lifted, last_reported, stories, articles,
       (stories + 1) // 2 AS voices, 0.9 AS score, first_reported AS learned_on, i % 211 = 0 AS retracted,
       i % 307 = 0 AS dismissed,
       stories || ' stories name ' || coalesce(actor, 'nobody') || ' and ' || service_name || ', on near days.' AS why,
       run_of(first_reported) AS first_run_id, run_of(last_reported) AS changed_run_id
FROM held ORDER BY first_n;

INSERT INTO event_mentions BY NAME
SELECT t.event_id, m.j AS position, id('mention', m.n) AS mention_id, t.event_id AS happening_id
FROM plan.mentions AS m JOIN touched AS t USING (i) WHERE m.n <= {{last}} ORDER BY m.n - m.j, m.n;

INSERT INTO event_transitions BY NAME
SELECT event_id, 0 AS position, status, action, date_value, date_from, date_to, first_reported AS reported_on,
       id('mention', first_n) AS mention_id, status AS kind, first_reported AS learned_on
FROM held
UNION ALL BY NAME
SELECT event_id, 1 AS position, 'in_force' AS status, 'lift' AS action, strftime(end_day, '%Y-%m-%d') AS date_value,
       end_day AS date_from, end_day AS date_to, end_day AS reported_on, id('mention', first_n) AS mention_id,
       'lifted' AS kind, end_day AS learned_on
FROM held WHERE {_ENDED} ORDER BY event_id, position;

INSERT INTO happenings BY NAME
SELECT event_id AS happening_id, event_id, service_key || '|' || country AS block,
       strftime(first_reported, '%Y-%m') AS month, strftime(last_reported, '%Y-%m') AS last_month,
       first_reported AS first_day, last_reported AS last_day, [] AS bodies
FROM held ORDER BY first_n;

INSERT INTO event_history BY NAME
SELECT {_EVENT_COLUMNS}, false AS lifted, first_reported AS last_reported, 1 AS stories, 1 AS articles, 1 AS voices,
       0.9 AS score, false AS retracted, false AS dismissed, first_reported AS known_from,
       CASE WHEN second_day > first_reported THEN second_day END AS known_to
FROM held
UNION ALL BY NAME
SELECT {_EVENT_COLUMNS}, {_ENDED} AS lifted, last_reported, stories, articles, (stories + 1) // 2 AS voices,
       0.9 AS score, i % 211 = 0 AS retracted, i % 307 = 0 AS dismissed, second_day AS known_from, NULL AS known_to
FROM held WHERE second_day > first_reported ORDER BY event_id, known_from;

INSERT INTO transition_history BY NAME
SELECT event_id, learned_on AS known_from, NULL AS known_to, kind, status, action, date_value, date_from, date_to,
       reported_on, learned_on, mention_id
FROM event_transitions WHERE event_id IN (SELECT event_id FROM touched) ORDER BY event_id, position;
"""

CHANGES = """
INSERT INTO changes BY NAME
WITH arrived AS (
    SELECT t.event_id, list(id('mention', m.n) ORDER BY m.j) AS arrived, min(m.j) = 0 AS new
    FROM plan.mentions AS m JOIN touched AS t USING (i) WHERE m.n BETWEEN {first} AND {last} GROUP BY t.event_id
)
SELECT (SELECT coalesce(max(position), 0) FROM changes) + row_number() OVER (ORDER BY e.changed_run_id, e.event_id)
           AS position,
       e.changed_run_id AS run_id, strptime(e.changed_run_id, '%Y%m%dT%H%M%S.%fZ') AS changed_at, e.event_id,
       if(new, 'appeared', 'changed') AS kind,
       if(new, {names}, ['last_reported', 'stories', 'articles']) AS fields, NULL AS before,
       if(new, {all}, {some}) AS after, if(new, [e.status], []) AS steps, arrived, [] AS departed
FROM events AS e JOIN arrived USING (event_id) ORDER BY position;
"""

OF_EVENTS = ("events", "event_mentions", "event_transitions", "happenings", "event_history", "transition_history")

ONCE = """
INSERT INTO runs BY NAME
SELECT run_of(day) AS run_id, day + TIME '06:30:00' AS started_at, day + TIME '06:50:00' AS finished_at,
       'finished' AS status, 'direct' AS mode, 'made-up' AS model, '0' AS version
FROM (SELECT DISTINCT reported AS day FROM plan.mentions) WHERE run_of(day) NOT IN (SELECT run_id FROM runs)
    AND day <= (SELECT max(reported) FROM plan.mentions WHERE n <= {last}) ORDER BY day;

INSERT INTO polls BY NAME
SELECT r.run_id, 's' || s AS source_id,
       if(s = 0 AND r.started_at::DATE = DATE '{first_day}' + {silent}, 'timeout', 'ok') AS outcome,
       r.started_at AS fetched_at, 20 AS entries, 3 AS new_entries, strftime(r.started_at, '%Y/%m/%d/') AS archive_part,
       s * 2000 AS archive_offset, 2000 AS archive_length, sha256(s || r.run_id) AS archive_sha256
FROM runs AS r, range({polled}) AS t(s) WHERE r.run_id NOT IN (SELECT run_id FROM polls) ORDER BY 1, 2;
"""

BESIDE = """
INSERT INTO feed_states BY NAME
SELECT source_id, 86400.0 AS interval_seconds, TIMESTAMP '2025-11-23 06:30:00' AS next_poll_at, 0 AS failures,
       TIMESTAMP '2025-11-22 06:30:00' AS answered_at, 'en' AS language FROM sources;

INSERT INTO source_pace BY NAME
SELECT source_id, TIMESTAMP '2025-11-22 06:30:00' AS polled_at, TIMESTAMP '2025-11-22 05:00:00' AS last_item_at,
       3.0 AS items_per_day, 20.0 AS learnt_per_week, 900.0 AS lag_seconds,
       if(hash(source_id) % 50 = 0, TIMESTAMP '2025-09-01 05:00:00', NULL) AS fell_silent_at FROM sources;

INSERT INTO article_versions BY NAME
SELECT article_id, 1 AS version, title, text, published_on, fetched_at, run_id FROM articles
WHERE hash(article_id) % 100 = 0;

INSERT INTO revisits BY NAME
SELECT run_id, entry_id, article_id, 'unchanged' AS outcome, fetched_at AS visited_at FROM articles
WHERE hash(article_id) % 20 = 0;

INSERT INTO unsure_pairs BY NAME
SELECT event_id AS happening_a, lag(event_id) OVER said AS happening_b, block,
       strftime(first_reported, '%Y-%m') AS month, 5.5 AS points, 'the same action, dates that overlap' AS why,
       mention_id AS mention_a, lag(mention_id) OVER said AS mention_b
FROM events JOIN (SELECT event_id, min(mention_id) AS mention_id FROM event_mentions GROUP BY event_id) USING (event_id)
WHERE hash(event_id) % 20 = 0 WINDOW said AS (ORDER BY event_id) QUALIFY happening_b IS NOT NULL;

INSERT INTO event_forwards SELECT left(md5(event_id), 20), event_id, changed_run_id FROM events
WHERE hash(event_id) % 50 = 0;
INSERT INTO event_origins SELECT event_id, left(md5(event_id), 20), changed_run_id FROM events
WHERE hash(event_id) % 100 = 0;

INSERT INTO decisions BY NAME
SELECT id('decision', event_id) AS decision_id, 'reject' AS kind, 'desk' AS author,
       TIMESTAMP '2025-11-01 10:00:00' AS decided_at, 'no measure' AS reason, [event_id] AS about, 'in_force' AS state
FROM events WHERE dismissed LIMIT 500;

INSERT INTO decision_mentions BY NAME
SELECT d.decision_id, 'one' AS side, m.mention_id
FROM decisions AS d JOIN event_mentions AS m ON m.event_id = d.about[1];

INSERT INTO event_edits BY NAME
SELECT event_id, 'country' AS field, country AS machine_value, country AS human_value,
       id('decision', event_id) AS decision_id
FROM events WHERE hash(event_id) % 5000 = 0;
"""
