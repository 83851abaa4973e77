// The dashboard: asks its own server once a second, and nobody else.
//
// SPDX-License-Identifier: PostgreSQL
"use strict";

const byId = (id) => document.getElementById(id);
const tables_shown_max = 200;

// ---- values as people read them

function bytes(value) {
  const units = ["bytes", "kB", "MB", "GB", "TB", "PB"];
  let unit = 0;
  while (value >= 1024 && unit + 1 < units.length) {
    value /= 1024;
    ++unit;
  }
  return `${value.toFixed(unit === 0 || value >= 100 ? 0 : 1)} ${units[unit]}`;
}

function duration(ms) {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 10000) return `${ms.toFixed(0)} ms`;
  const seconds = ms / 1000;
  if (seconds < 120) return `${seconds.toFixed(0)} s`;
  if (seconds < 7200) return `${(seconds / 60).toFixed(0)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

const count = (value) => Math.round(value).toLocaleString("en");

function show(id, text) {
  if (byId(id).textContent !== text) byId(id).textContent = text;
}

function showFigure(id, text) {
  const [value, ...unit] = text.split(" ");
  const small = document.createElement("small");
  small.textContent = unit.length > 0 ? " " + unit.join(" ") : "";
  byId(id).replaceChildren(value, small);
}

function badge(text, kind) {
  const element = document.createElement("span");
  element.className = "badge " + kind;
  element.textContent = text;
  return element;
}

function setBadge(id, text, kind) {
  byId(id).className = "badge " + kind;
  show(id, text);
}

function cell(content, kind) {
  const element = document.createElement("td");
  if (kind) element.className = kind;
  element.append(content);
  return element;
}

function row(...cells) {
  const element = document.createElement("tr");
  element.append(...cells);
  return element;
}

// ---- the parts of the page

function showState(status) {
  const live = status.live;
  document.title = `${status.task} · walferry`;
  show("task", status.task);
  setBadge("phase", status.phase, "");
  if (live.retry) setBadge("state", "trying again", "bad");
  else if (live.paused) setBadge("state", "paused", "warn");
  else setBadge("state", "running", "good");

  const error = live.retry ? live.retry.error : status.progress && status.progress.last_error;
  byId("alarm").hidden = !error;
  if (error) {
    show("alarm-title", live.retry
      ? `${live.retry.attempts} attempts failed; next at ${live.retry.next_attempt}, gives up at ${live.retry.gives_up}`
      : "Last error");
    show("alarm-text", error);
  }
}

function showTiles(status) {
  const live = status.live;
  showFigure("lag", duration(status.lag_ms));
  show("lag-note", status.lag_bytes === null ? "" : `${bytes(status.lag_bytes)} not applied`);
  showFigure("rate", `${count(live.rates.changes_per_second)} changes/s`);
  show("rate-note", `${count(live.rates.transactions_per_second)} transactions/s`);
  const { tables, copied, rows, bytes: data } = status.copy;
  showFigure("tables", `${count(copied)} of ${count(tables)}`);
  byId("tables-bar").max = Math.max(tables, 1);
  byId("tables-bar").value = copied;
  const left = live.copy.seconds_left;
  show("tables-note", `${count(rows)} rows, ${bytes(data)}` + (left === null ? "" : `, ${duration(left * 1000)} left`));
  const slot = status.source.slot;
  showFigure("slot", slot ? bytes(slot.retained_bytes) : "–");
  show("slot-note", !slot ? status.source.error || "no slot"
    : `${slot.wal_status}` + (slot.safe_wal_size === null ? "" : `, ${bytes(Math.max(0, slot.safe_wal_size))} left`));
}

function limit(rates) {
  const parts = [];
  if (rates.rows_per_second > 0) parts.push(`${count(rates.rows_per_second)} rows/s`);
  if (rates.bytes_per_second > 0) parts.push(`${rates.bytes_per_second / 1e6} MB/s`);
  return parts.length > 0 ? parts.join(", ") : "none";
}

function showFacts(status) {
  const live = status.live;
  const progress = status.progress || {};
  const facts = [
    ["applied", progress.applied_lsn], ["flushed", progress.flushed_lsn], ["received", progress.received_lsn],
    ["source's WAL", (status.source && status.source.wal_lsn) || progress.source_lsn],
    ["changes", count(progress.changes || 0)], ["transactions", count(progress.transactions || 0)],
    ["collisions", count(progress.collisions || 0)], ["applied exactly", count(progress.replays || 0)],
    ...status.conflicts.totals.map((c) => [`${c.kind}, ${c.policy}`, count(c.total)]),
    ["in quarantine", status.conflicts.quarantined > 0 ? count(status.conflicts.quarantined) : ""],
    ["building", live.copy.steps.map((s) => s.what + (s.percent === null ? "" : `, ${s.percent} %`)).join("; ")],
    ["workers", live.workers], ["in memory", `${bytes(live.buffer_bytes)} of ${bytes(live.buffer_bytes_max)}`],
    ["spooled", bytes(live.spool_bytes)],
    ["limit of the stream", limit(live.throttle.stream)], ["limit of the copy", limit(live.throttle.copy)],
    ["source database", status.source_database],
  ];
  byId("stream").replaceChildren(...facts.filter(([, value]) => value !== undefined && value !== null && value !== "")
    .map(([name, value]) => {
      const pair = document.createElement("div");
      const term = document.createElement("dt");
      const description = document.createElement("dd");
      term.textContent = name;
      description.textContent = value;
      pair.append(term, description);
      return pair;
    }));
}

const table_kinds = { ready: "good", pending: "", failed: "bad" };

function showTables(tables) {
  const rank = (table) => (table.state === "ready" ? 2 : table.state === "pending" ? 1 : 0);
  const sorted = [...tables].sort((a, b) => rank(a) - rank(b) || b.bytes - a.bytes);
  const shown = sorted.slice(0, tables_shown_max);
  show("tables-count", shown.length < tables.length ? `${shown.length} of ${count(tables.length)}` : "");
  byId("table-list").replaceChildren(...shown.map((table) => row(
    cell(`${table.schema}.${table.name}`),
    cell(badge(table.state, table_kinds[table.state] ?? "warn")),
    cell(count(table.rows), "number"), cell(bytes(table.bytes), "number"))));
}

function showComparison(last) {
  if (!last) return;
  const now = last.under_way;
  const notes = [];
  if (last.ended) notes.push(`${last.verdict}; ${count(last.tables)} tables, ${count(last.rows)} rows, at ${last.ended.slice(0, 19)}`);
  else if (last.differs) notes.push(last.verdict);
  if (now) {
    notes.push(`${now.running ? "under way" : "stopped, walferry verify FILE goes on"}: ${count(now.tables_done)} of ` +
      `${count(now.tables)} tables, ${bytes(now.bytes_done)} of ${bytes(now.bytes)}, since ${now.began.slice(0, 19)}`);
  }
  if (notes.length > 0) show("verify-note", notes.join(" · "));
  byId("verify-state").hidden = !last.ended && !last.differs;
  setBadge("verify-state", last.differs ? "differs" : "equal", last.differs ? "bad" : "good");
  byId("verify-bar").hidden = !now;
  if (now) byId("verify-bar").value = now.bytes > 0 ? now.bytes_done / now.bytes : 0;
  byId("verify-table").hidden = last.differing.length === 0;
  byId("verify-remedy").hidden = !last.differs;
  byId("verify-list").replaceChildren(...last.differing.map((table) => row(
    cell(`${table.schema}.${table.name}`), cell(table.verdict), cell(table.compared.slice(0, 19), "nowrap"))));
}

const ddl_kinds = { applied: "good", skipped: "", failed: "bad" };

function showDdl(statements) {
  byId("ddl-none").hidden = statements.length > 0;
  byId("ddl-table").hidden = statements.length === 0;
  byId("ddl-list").replaceChildren(...[...statements].reverse().map((statement) => {
    const code = document.createElement("code");
    code.textContent = statement.statement;
    const text = document.createElement("div");
    text.append(code);
    if (statement.reason) {
      const reason = document.createElement("p");
      reason.className = "note";
      reason.textContent = statement.reason;
      text.append(reason);
    }
    return row(cell((statement.source_time || "").slice(0, 19), "nowrap"),
      cell(badge(statement.state, ddl_kinds[statement.state] ?? "warn")), cell(text));
  }));
}

// ---- charts

const points = { time: [], changes_per_second: [], transactions_per_second: [], copy_bytes_per_second: [], lag_ms: [],
  lag_bytes: [], retained_bytes: [] };
const points_max = 1800;
let next = 0;
let seconds_shown = 600;
let charts = [];

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Between lines of a scale of bytes: round in the unit that they are shown in.
function byteStep(max) {
  const rough = max / 4;
  const unit = 1024 ** Math.floor(Math.log(rough) / Math.log(1024));
  const digit = 10 ** Math.floor(Math.log10(rough / unit));
  return unit * digit * [1, 2, 5, 10].find((nice) => nice * digit * unit >= rough);
}

// `least`: the scale reaches up to it at least.
function makeChart(id, lines, format, least) {
  const line = ([label, series, shade]) => ({
    label, series, data: [], borderColor: color(shade), backgroundColor: color(shade) + "22", borderWidth: 1.8,
    pointRadius: 0, pointHitRadius: 8, tension: 0.25, fill: lines.length === 1,
  });
  const ticks = { color: color("--soft"), font: { size: 11 } };
  return new Chart(byId(id), {
    type: "line",
    data: { labels: [], datasets: lines.map(line) },
    options: {
      animation: false, maintainAspectRatio: false, interaction: { mode: "index", intersect: false },
      scales: {
        x: { grid: { display: false }, ticks: { ...ticks, maxTicksLimit: 6, maxRotation: 0, autoSkipPadding: 16 } },
        y: { beginAtZero: true, suggestedMax: least, grid: { color: color("--line") },
          ticks: { ...ticks, maxTicksLimit: 5, callback: (value) => format(value) } },
      },
      plugins: {
        legend: { display: lines.length > 1, align: "start",
          labels: { color: color("--soft"), boxWidth: 14, boxHeight: 2, font: { size: 12 } } },
        tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${format(item.parsed.y)}` } },
      },
    },
  });
}

function makeCharts() {
  for (const chart of charts) chart.destroy();
  charts = [
    makeChart("lag-chart", [["lag", "lag_ms", "--blue"]], duration, 10),
    makeChart("rate-chart", [["changes", "changes_per_second", "--blue"],
      ["transactions", "transactions_per_second", "--orange"]], count, 10),
    makeChart("wal-chart", [["not applied", "lag_bytes", "--blue"], ["kept by the slot", "retained_bytes", "--orange"]], bytes, 1 << 20),
    makeChart("copy-chart", [["copied", "copy_bytes_per_second", "--blue"]], (value) => bytes(value) + "/s", 1 << 20),
  ];
  drawCharts();
}

function drawCharts() {
  const from = Math.max(0, points.time.length - seconds_shown);
  const labels = points.time.slice(from).map((time) => new Date(time).toLocaleTimeString("en-GB"));
  byId("copy-figure").hidden = !points.copy_bytes_per_second.some((value) => value > 0);
  for (const chart of charts) {
    chart.data.labels = labels;
    for (const line of chart.data.datasets) line.data = points[line.series].slice(from);
    const y = chart.options.scales.y;
    if (y.suggestedMax >= 1024) {
      y.ticks.stepSize = byteStep(Math.max(y.suggestedMax, ...chart.data.datasets.map((line) => Math.max(...line.data))));
    }
    chart.update("none");
  }
}

function addHistory(more) {
  if (more.next < next) {  // another process answers
    for (const series of Object.values(points)) series.length = 0;
  }
  next = more.next;
  for (const [name, series] of Object.entries(points)) {
    series.push(...more[name]);
    series.splice(0, Math.max(0, series.length - points_max));
  }
  drawCharts();
}

for (const button of document.querySelectorAll(".spans button")) {
  const press = () => {
    seconds_shown = Number(button.dataset.seconds);
    for (const other of document.querySelectorAll(".spans button"))
      other.setAttribute("aria-pressed", String(other === button));
    drawCharts();
  };
  button.addEventListener("click", press);
  button.setAttribute("aria-pressed", String(Number(button.dataset.seconds) === seconds_shown));
}

// ---- steering, where the server allows it

async function steer(request) {
  let token = sessionStorage.getItem("token");
  if (!token) {
    token = prompt("Token (the file http.token_file has it)") || "";
    sessionStorage.setItem("token", token);
  }
  const response = await fetch("control", { method: "POST", body: JSON.stringify(request),
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` } });
  if (response.status === 401) sessionStorage.removeItem("token");
  const answer = await response.json();
  show("answer", answer.ok ? "done" : answer.error);
  refresh();
}

byId("pause").addEventListener("click", () => steer({ verb: byId("pause").textContent.toLowerCase() }));
byId("throttle").addEventListener("click",
  () => steer({ verb: "throttle", stream_rows: Number(byId("limit").value || 0) }));

// ---- once a second

async function fetchJson(path) {
  const response = await fetch(path, { cache: "no-store" });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

let last_status = null;

async function refresh() {
  try {
    const [status, more] = await Promise.all([fetchJson("status.json"), fetchJson(`history.json?after=${next}`)]);
    last_status = Date.now();
    showState(status);
    showTiles(status);
    showFacts(status);
    showTables(status.tables);
    showComparison(status.verification);
    showDdl(status.ddl);
    byId("controls").hidden = !status.steerable;
    show("pause", status.live.paused ? "Resume" : "Pause");
    show("process", `pid ${status.live.pid}, since ${status.live.started}.`);
    show("fresh", "");
    addHistory(more);
  } catch (error) {
    setBadge("state", "no answer", "bad");
    show("fresh", last_status ? `No answer since ${new Date(last_status).toLocaleTimeString("en-GB")}.` : "");
  }
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", makeCharts);
makeCharts();
refresh();
setInterval(refresh, 1000);
