"use strict";
// The progress of the logs, and the metrics of the nodes.

const logSeries = [
  { label: "acknowledged records", color: "--ok" }, { label: "read up to", color: "--read" }, { label: "end offset", color: "--soft", dash: [4, 3] },
  { label: "lag", color: "--fail", fill: "33", scale: "lag" },
];

/** logData adds up a log's differences. */
function logData(d, log) {
  const total = (deltas) => { let n = 0; return deltas.map((x) => (n += x)); };
  const xs = log.acked.map((_, i) => Math.min((i + 1) * log.step * d.width, Math.max(d.seconds, d.width)));
  const acked = total(log.acked), read = total(log.read), end = total(log.end);
  return [xs, acked, read, end, end.map((e, i) => Math.max(0, e - read[i]))];
}

/** drawLogs draws the progress of the chosen log; it returns what draws it anew. */
function drawLogs(board, figure, data) {
  const state = { data, chosen: 0, chart: null };
  const pick = figure.querySelector(".pick");
  const select = make("select", { "aria-label": "Log" });
  const options = () => {
    if (select.options.length === state.data.logs.length) return;
    select.textContent = "";
    state.data.logs.forEach((l, i) => select.append(make("option", { value: String(i) }, l.name)));
    select.value = String(state.chosen);
  };
  const show = () => {
    const log = state.data.logs[state.chosen];
    figure.hidden = !log;
    if (!log) return;
    options();
    const values = logData(state.data, log);
    if (state.chart) board.set(state.chart, values);
    else state.chart = board.add(figure, "Progress of a log over time", logSeries, values, { right: "lag" });
  };
  select.addEventListener("change", () => { state.chosen = +select.value; show(); });
  pick.append(select);
  show();
  return (d) => { state.data = d; show(); };
}

const nodeColours = ["--ok", "--read", "--fail", "--info", "--bad", "--soft"];

/** drawMetrics draws a chart for every metric, a curve for every node. */
function drawMetrics(board, el, data) {
  const charts = new Map();
  const show = (d) => {
    const byName = new Map();
    for (const m of d.metrics || []) {
      if (!byName.has(m.name)) byName.set(m.name, []);
      byName.get(m.name).push(m);
    }
    el.closest("section").hidden = byName.size === 0;
    for (const [name, nodes] of byName) {
      const xs = times(d);
      const values = [xs, ...nodes.map((m) => xs.map((_, i) => m.values[i] ?? null))];
      const known = charts.get(name);
      if (known && known.nodes === nodes.length) {
        board.set(known.chart, values);
        continue;
      }
      if (known) board.remove(known.chart);
      const figure = known ? known.figure : make("figure", { class: "chart" }, make("figcaption", {}, name));
      if (!known) el.append(figure);
      const series = nodes.map((m, i) => ({ label: m.node, color: nodeColours[i % nodeColours.length], gaps: true }));
      charts.set(name, { figure, nodes: nodes.length, chart: board.add(figure, name + " over time", series, values, { height: 150 }) });
    }
  };
  show(data);
  return show;
}
