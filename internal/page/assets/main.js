"use strict";
// Where the page begins.

/** drawAll draws all charts of a run; it returns what draws them anew. */
function drawAll(board, data) {
  const set = (d) => {
    board.bands = d.faults;
    board.marks = d.phases;
    board.extent = [0, Math.max(d.seconds, d.width)];
  };
  set(data);
  const figure = (name) => document.querySelector(`[data-chart="${name}"]`);
  const rate = board.add(figure("rate"), "Operations per second over time, by outcome", rateSeries, rateData(data));
  let group = 0, now = data;
  const latency = board.add(figure("latency"), "Latency over time in milliseconds", latencySeries, latencyData(data, 0), { log: true });
  const groups = () => radios(figure("latency").querySelector(".pick"), "latency", now.latency.map((l) => l.name), group, (i) => {
    group = i;
    board.set(latency, latencyData(now, i));
  });
  groups();
  const records = board.add(figure("records"), "Records per second over time", recordSeries, recordData(data), { calm: true });
  const logs = drawLogs(board, figure("log"), data);
  const metrics = drawMetrics(board, figure("metrics"), data);
  return (d) => {
    const more = d.latency.length !== now.latency.length;
    now = d;
    set(d);
    board.set(rate, rateData(d));
    board.set(latency, latencyData(d, group));
    board.set(records, recordData(d));
    if (more) groups();
    logs(d);
    metrics(d);
  };
}

/** setUpTimelines draws each timeline when it is first seen. */
function setUpTimelines(data) {
  const byID = new Map((data.timelines || []).map((t) => [t.id, t]));
  const draw = (root) => {
    for (const figure of root.querySelectorAll("[data-timeline]")) {
      const t = byID.get(figure.dataset.timeline);
      if (!t || figure.dataset.drawn || !figure.clientWidth) continue;
      figure.dataset.drawn = "yes";
      new TimelineView(figure, t, data.faults).draw();
    }
  };
  for (const d of document.querySelectorAll("details")) d.addEventListener("toggle", () => draw(d));
  draw(document);
}

(() => {
  const el = document.getElementById("data"), mode = document.body.dataset.mode;
  const data = el ? JSON.parse(el.textContent) : null;
  let board = null;
  setUpTheme(() => { if (board) board.redraw(); });
  if (mode === "report") {
    board = new Board();
    drawAll(board, data);
    setUpTimelines(data);
  } else if (mode === "live") {
    board = setUpLive(data);
  } else if (mode === "compare") {
    board = setUpCompare(data);
  }
  if (matchMedia("print").addEventListener) matchMedia("print").addEventListener("change", () => { if (board) board.redraw(); });
  document.documentElement.dataset.ready = "yes";
})();
