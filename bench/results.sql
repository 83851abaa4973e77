-- What is measured, one row a measurement, and how it is summed up.
CREATE TABLE drain (
    workload text, run int, contender text, form text, changes bigint,
    drain_ms bigint,            -- until the last row is visible
    source_cpu_ms bigint,       -- the walsender's
    applier_cpu_ms bigint,      -- walferry's own; native has none outside the destination
    destination_cpu_ms bigint,  -- the applying sessions'
    applier_kb bigint,          -- walferry's peak, VmHWM
    exit_ms bigint,             -- until walferry had confirmed everything and ended
    place serial);

CREATE TABLE decode (
    workload text, run int, contender text, changes bigint, decode_ms bigint, source_cpu_ms bigint);

CREATE TABLE latency (
    contender text, form text, run int, rows int, p50_ms float8, p90_ms float8, p99_ms float8, worst_ms float8);

-- One row for each way to drain each workload.
CREATE VIEW drain_median AS
SELECT workload, contender, form, min(place) AS place, min(changes) AS changes,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY drain_ms) / 1000 AS seconds,
    max(drain_ms)::float8 / min(drain_ms) AS spread,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY source_cpu_ms) / 1000 AS source_cpu,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY applier_cpu_ms) / 1000 AS applier_cpu,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY destination_cpu_ms) / 1000 AS destination_cpu,
    max(applier_kb) / 1024.0 AS applier_mb,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY exit_ms) / 1000 AS exit_seconds
FROM drain GROUP BY workload, contender, form;

-- Native's better form, beside walferry.
CREATE VIEW duel AS
SELECT n.workload, row_number() OVER (ORDER BY first) AS place, n.changes, n.form, n.seconds AS native_seconds, w.seconds AS walferry_seconds,
    n.seconds / w.seconds AS ratio, n.spread AS native_spread, w.spread AS walferry_spread,
    n.source_cpu AS native_source_cpu, n.destination_cpu AS native_destination_cpu,
    w.source_cpu AS walferry_source_cpu, w.applier_cpu AS walferry_applier_cpu, w.destination_cpu AS walferry_destination_cpu,
    w.applier_mb, w.exit_seconds
FROM (SELECT DISTINCT ON (workload) *, min(place) OVER (PARTITION BY workload) AS first
      FROM drain_median WHERE contender = 'native' ORDER BY workload, seconds) n
JOIN drain_median w ON w.workload = n.workload AND w.contender = 'walferry' AND w.form = '';

CREATE VIEW drain_report AS
SELECT workload, changes, form AS native, round(native_seconds::numeric, 2) AS native_s, round(walferry_seconds::numeric, 2) AS walferry_s,
    round(ratio::numeric, 2) AS ratio, round(native_spread::numeric, 2) AS native_spread, round(walferry_spread::numeric, 2) AS walferry_spread,
    round(changes / native_seconds) AS native_per_s, round(changes / walferry_seconds) AS walferry_per_s
FROM duel ORDER BY place;

CREATE VIEW far_report AS
SELECT workload, round(near.seconds::numeric, 2) AS near_s, round(far.seconds::numeric, 2) AS far_s,
    round((far.seconds / near.seconds)::numeric, 2) AS ratio
FROM drain_median near JOIN drain_median far USING (workload) WHERE near.form = 'near' AND far.form = 'far';

CREATE VIEW settings_report AS
SELECT workload, round(plain.seconds::numeric, 2) AS plain_s, round(settings.seconds::numeric, 2) AS settings_s,
    round((plain.seconds / settings.seconds)::numeric, 2) AS throughput,
    round(((settings.source_cpu - plain.source_cpu) / plain.changes * 1e6)::numeric, 2) AS "walsender s / M changes"
FROM drain_median plain JOIN drain_median settings USING (workload)
WHERE plain.contender = 'walferry' AND plain.form = '' AND settings.form = 'settings' ORDER BY plain.place;

CREATE VIEW cpu_report AS
SELECT workload, round(native_source_cpu::numeric, 2) AS "native walsender", round(native_destination_cpu::numeric, 2) AS "native apply",
    round(walferry_source_cpu::numeric, 2) AS "walferry walsender", round(walferry_applier_cpu::numeric, 2) AS "walferry applier",
    round(walferry_destination_cpu::numeric, 2) AS "walferry sessions", round((walferry_applier_cpu / changes * 1e6)::numeric, 2) AS "applier s / M changes",
    round(applier_mb) AS "applier MB"
FROM duel ORDER BY place;

CREATE VIEW decode_rate AS
SELECT workload, contender, percentile_cont(0.5) WITHIN GROUP (ORDER BY changes * 1000.0 / decode_ms) AS rate
FROM decode GROUP BY workload, contender;

CREATE VIEW decode_report AS
SELECT d.workload, round(max(rate) FILTER (WHERE contender = 'walferry')) AS walferry,
    round(max(rate) FILTER (WHERE contender = 'pgoutput')) AS pgoutput,
    round(max(rate) FILTER (WHERE contender = 'gathering')) AS gathering,
    round((max(rate) FILTER (WHERE contender = 'walferry') / max(rate) FILTER (WHERE contender = 'pgoutput'))::numeric, 2) AS "walferry / pgoutput",
    round((max(rate) FILTER (WHERE contender = 'walferry') / max(rate) FILTER (WHERE contender = 'gathering'))::numeric, 2) AS "walferry / gathering"
FROM decode_rate d JOIN duel USING (workload) GROUP BY d.workload, place ORDER BY place;

CREATE VIEW latency_report AS
SELECT contender, form, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY p50_ms)::numeric, 2) AS p50,
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY p90_ms)::numeric, 2) AS p90,
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY p99_ms)::numeric, 2) AS p99,
    round(max(worst_ms)::numeric, 2) AS worst
FROM latency GROUP BY contender, form ORDER BY form, contender;

CREATE VIEW results AS
SELECT jsonb_build_object(
    'machine', (SELECT to_jsonb(m) FROM machine m),
    'duels', (SELECT coalesce(jsonb_agg(to_jsonb(d) ORDER BY place), '[]') FROM duel d),
    'far', (SELECT coalesce(jsonb_agg(to_jsonb(f)), '[]') FROM far_report f),
    'settings', (SELECT coalesce(jsonb_agg(to_jsonb(s)), '[]') FROM settings_report s),
    'drains', (SELECT coalesce(jsonb_agg(to_jsonb(d) ORDER BY place), '[]') FROM drain d),
    'decodes', (SELECT coalesce(jsonb_agg(to_jsonb(d)), '[]') FROM decode d),
    'latencies', (SELECT coalesce(jsonb_agg(to_jsonb(l)), '[]') FROM latency l)) AS document;
