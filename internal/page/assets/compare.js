"use strict";
// Two runs in the same charts.

/** align brings two series of points to common times. */
function align(a, b) {
  return uPlot.join([a, b]);
}

function setUpCompare(two) {
  const board = new Board();
  const { a, b } = two;
  board.extent = [0, Math.max(a.seconds, b.seconds, a.width)];
  const A = "A ", B = "B ";
  const draw = (name, label, series, data, opts) => {
    const figure = document.querySelector(`[data-chart="${name}"]`);
    if (figure) board.add(figure, label, series, data, opts);
  };
  const both = (labels, extra = {}) => [
    ...labels.map((l, i) => ({ label: A + l, color: "--read", dash: i ? [5, 3] : undefined, gaps: true, ...extra })),
    ...labels.map((l, i) => ({ label: B + l, color: "--fail", dash: i ? [5, 3] : undefined, gaps: true, ...extra })),
  ];
  draw("rate", "Successful operations per second of both runs", both(["ok"]), align([times(a), rates(a, a.ok)], [times(b), rates(b, b.ok)]));
  const bad = (d) => rates(d, d.ok.map((_, i) => d.fail[i] + d.info[i]));
  draw("trouble", "Failed and indeterminate operations per second of both runs", both(["fail + info"]), align([times(a), bad(a)], [times(b), bad(b)]));
  draw("records", "Records acknowledged per second of both runs", both(["acknowledged"]), align([times(a), rates(a, a.acked)], [times(b), rates(b, b.acked)]));
  const quantiles = (d) => { const q = latencyData(d, 0); return [q[0], q[1], q[3]]; };
  draw("latency", "Latency of sends of both runs", both(["p50", "p99"]), align(quantiles(a), quantiles(b)), { log: true });
  return board;
}
