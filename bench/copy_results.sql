-- What the benchmarks of the initial copy measure, one row a copy, and how it is summed up.
CREATE TABLE copy (
    workload text, run int, contender text, tables int, mb int,
    copy_ms bigint,             -- from the command until everything is at the destination, indexes too
    source_cpu_ms bigint,       -- the reading sessions'
    client_cpu_ms bigint,       -- of the programs outside the servers
    destination_cpu_ms bigint,  -- the writing sessions', and of those that build indexes
    client_kb bigint,           -- walferry's peak, VmHWM; the others are several programs
    place serial);

CREATE VIEW copy_median AS
SELECT workload, contender, min(place) AS place, min(tables) AS tables, min(mb) AS mb,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY copy_ms) / 1000 AS seconds,
    max(copy_ms)::float8 / min(copy_ms) AS spread,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY source_cpu_ms) / 1000 AS source_cpu,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY client_cpu_ms) / 1000 AS client_cpu,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY destination_cpu_ms) / 1000 AS destination_cpu,
    max(client_kb) / 1024.0 AS client_mb
FROM copy GROUP BY workload, contender;

-- "ratio" is how many times as long as walferry.
CREATE VIEW copy_report AS
SELECT m.contender, round(m.seconds::numeric, 2) AS seconds, round((m.seconds / w.seconds)::numeric, 2) AS ratio,
    round(m.spread::numeric, 2) AS spread, round((m.mb / m.seconds)::numeric) AS "MB / s",
    round(m.source_cpu::numeric, 2) AS "source CPU", round(m.client_cpu::numeric, 2) AS "client CPU",
    round(m.destination_cpu::numeric, 2) AS "destination CPU", round(m.client_mb) AS "walferry MB"
FROM copy_median m LEFT JOIN copy_median w ON w.workload = m.workload AND w.contender = 'walferry'
ORDER BY m.place;

-- Each number of tables, and how many times as much as the smallest it has and takes.
CREATE VIEW tables_report AS
SELECT m.tables, round(m.seconds::numeric, 2) AS seconds, round(m.spread::numeric, 2) AS spread,
    round((m.seconds / m.tables * 1000)::numeric, 2) AS "ms / table", round(m.client_mb) AS "walferry MB",
    round(m.source_cpu::numeric, 2) AS "source CPU", round(m.client_cpu::numeric, 2) AS "walferry CPU",
    round(m.destination_cpu::numeric, 2) AS "destination CPU",
    round(m.tables::numeric / f.tables, 2) AS "tables, times", round((m.seconds / f.seconds)::numeric, 2) AS "seconds, times",
    round((m.client_mb / f.client_mb)::numeric, 2) AS "MB, times"
FROM copy_median m CROSS JOIN (SELECT * FROM copy_median ORDER BY tables LIMIT 1) f
ORDER BY m.tables;

CREATE VIEW results AS
SELECT jsonb_build_object(
    'machine', (SELECT to_jsonb(m) FROM machine m),
    'medians', (SELECT coalesce(jsonb_agg(to_jsonb(m) ORDER BY place), '[]') FROM copy_median m),
    'copies', (SELECT coalesce(jsonb_agg(to_jsonb(c) ORDER BY place), '[]') FROM copy c)) AS document;
