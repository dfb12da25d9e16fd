"use strict";
// The charts over time. All of them show the same span, shade the same faults
// and move one cursor.

/** Board holds the charts of one page. */
class Board {
  constructor() {
    this.charts = [];
    this.zooming = false;
    this.span = null; // [from, to] in seconds, null: all
    this.bands = [];
    this.marks = [];
    this.extent = [0, 1]; // of the run, in seconds
    new ResizeObserver(() => requestAnimationFrame(() => this.resize())).observe(document.body);
    addEventListener("beforeprint", () => this.resize(660));
    addEventListener("afterprint", () => this.resize());
  }

  /** add draws a chart into el. series: [{label, color, fill, scale, dash, dots}]. */
  add(el, label, series, data, opts = {}) {
    const plot = make("div", { class: "plot", tabindex: "0", role: "img", "aria-label": label });
    el.append(plot);
    const u = new uPlot(this.options(plot, series, opts), data, plot);
    const chart = { u, plot, opts };
    this.charts.push(chart);
    this.legendKeys(u);
    plot.addEventListener("keydown", (e) => this.key(e, u));
    u.setScale("x", this.limits());
    return chart;
  }

  /** remove takes a chart off. */
  remove(chart) {
    this.charts = this.charts.filter((c) => c !== chart);
    chart.u.destroy();
    chart.plot.remove();
  }

  options(plot, series, opts) {
    const line = (s) => ({
      label: s.label, scale: s.scale || "y", width: s.width || 1.5, dash: s.dash, show: s.show !== false,
      stroke: () => css(s.color), fill: s.fill ? () => css(s.color) + s.fill : undefined,
      points: { show: true, size: 4, filter: alone }, value: (_, v) => amount(v), spanGaps: !!s.gaps,
    });
    const axis = (extra) => ({
      stroke: () => css("--soft"), font: "11px system-ui, sans-serif", size: 48,
      grid: { stroke: () => css("--grid"), width: 1 }, ticks: { stroke: () => css("--grid"), width: 1, size: 4 }, ...extra,
    });
    const y = { range: (u, lo, hi) => [0, this.top(u, opts.calm, hi)] };
    if (opts.log) Object.assign(y, { distr: 3, log: 10, range: undefined });
    const axes = [
      axis({ values: (_, ticks) => ticks.map(clockTime), size: 28, space: 70 }),
      axis({ values: (_, ticks) => ticks.map(short), size: 52 }),
    ];
    const scales = { x: { time: false }, y };
    if (opts.right) {
      scales[opts.right] = { range: (_, lo, hi) => [0, hi > 0 ? hi * 1.08 : 1] };
      axes.push(axis({ scale: opts.right, side: 1, grid: { show: false }, values: (_, t) => t.map(short), size: 52 }));
    }
    return {
      width: Math.max(200, plot.clientWidth), height: opts.height || 210, scales, axes,
      series: [{ label: "at", value: (_, v) => clockTime(v) }, ...series.map(line)],
      padding: [14, 8, 0, 0],
      cursor: { sync: { key: "run", setSeries: false }, drag: { x: true, y: false }, points: { size: 6 } },
      legend: { markers: { width: 2, stroke: (_, i) => "var(" + series[i - 1].color + ")", fill: () => "transparent" } },
      hooks: {
        drawClear: [(u) => this.shade(u)],
        setScale: [(u, key) => { if (key === "x") this.follow(u); }],
      },
    };
  }

  /** limits is the span to show. */
  limits() {
    const [min, max] = this.span || this.extent;
    return { min, max };
  }

  /** top is where the y axis ends. A calm chart does not count what comes with
   * the final reads: they read everything at once, and would flatten the rest. */
  top(u, calm, hi) {
    const final = calm && this.marks.find((m) => m.name === "final");
    if (final && !(u.scales.x.min >= final.at)) {
      let before = 0;
      u.data[0].forEach((x, i) => {
        if (x <= final.at) for (let k = 1; k < u.data.length; k++) before = Math.max(before, u.data[k][i] || 0);
      });
      if (before > 0) hi = Math.min(hi, before);
    }
    return hi > 0 ? hi * 1.08 : 1;
  }

  /** shade paints the faults and the phases under the curves. */
  shade(u) {
    const { ctx, bbox } = u, px = devicePixelRatio || 1;
    const x = (s) => Math.min(Math.max(u.valToPos(s, "x", true), bbox.left), bbox.left + bbox.width);
    ctx.save();
    ctx.font = 10 * px + "px system-ui, sans-serif";
    ctx.textBaseline = "bottom";
    const colour = css("--shade"), soft = css("--soft");
    let free = bbox.left;
    for (const b of this.bands) {
      const lo = x(b.from), hi = x(b.to < 0 ? u.scales.x.max : b.to);
      if (hi <= lo) continue;
      ctx.globalAlpha = 0.15;
      ctx.fillStyle = colour;
      ctx.fillRect(lo, bbox.top, Math.max(hi - lo, px), bbox.height);
      const text = b.on ? b.name + " " + b.on : b.name;
      for (const t of [text, b.name]) {
        const wide = ctx.measureText(t).width;
        if (lo < free || lo + wide > bbox.left + bbox.width || (t === text && text !== b.name && wide > (hi - lo) * 1.1)) continue;
        ctx.globalAlpha = 1;
        ctx.fillStyle = soft;
        ctx.fillText(t, lo, bbox.top - px);
        free = lo + wide + 6 * px;
        break;
      }
    }
    ctx.globalAlpha = 0.7;
    ctx.strokeStyle = soft;
    ctx.lineWidth = px;
    ctx.setLineDash([2 * px, 3 * px]);
    for (const m of this.marks) {
      const at = x(m.at);
      if (at <= bbox.left || at >= bbox.left + bbox.width) continue;
      ctx.beginPath();
      ctx.moveTo(at, bbox.top);
      ctx.lineTo(at, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  }

  /** follow shows in all charts the span that one of them was zoomed to. */
  follow(u) {
    if (this.zooming || !u.data || !u.data[0].length) return;
    const { min, max } = u.scales.x, all = u.data[0];
    if (min == null) return;
    if (min <= all[0] && max >= all[all.length - 1]) this.zoom(...this.extent, true);
    else this.zoom(min, max);
  }

  zoom(min, max, all = false) {
    if (this.zooming) return;
    this.zooming = true;
    this.span = all ? null : [min, max];
    for (const c of this.charts) {
      if (c.u.scales.x.min !== min || c.u.scales.x.max !== max) c.u.setScale("x", { min, max });
    }
    this.zooming = false;
  }

  /** key moves and zooms with the keyboard. */
  key(e, u) {
    const xs = u.data[0];
    if (!xs.length) return;
    const [first, last] = this.extent, { min, max } = u.scales.x;
    let i = u.cursor.idx;
    if (i == null) i = Math.floor(xs.length / 2);
    const at = xs[i], half = (max - min) / 2;
    const clamp = (lo, hi) => this.zoom(Math.max(first, lo), Math.min(last, hi), lo <= first && hi >= last);
    switch (e.key) {
      case "ArrowLeft": case "ArrowRight": {
        const step = Math.max(1, Math.round((max - min) / (last - first || 1) * xs.length / 60)) * (e.key === "ArrowLeft" ? -1 : 1);
        const to = xs[Math.min(xs.length - 1, Math.max(0, i + step))];
        if (to < min || to > max) clamp(to - half, to + half);
        u.setCursor({ left: u.valToPos(to, "x"), top: u.over.clientHeight / 2 });
        break;
      }
      case "+": case "=": clamp(at - half / 2, at + half / 2); break;
      case "-": clamp(at - half * 2, at + half * 2); break;
      case "0": this.zoom(first, last, true); break;
      default: return;
    }
    e.preventDefault();
  }

  /** legendKeys makes the legend's switches reachable without a mouse. */
  legendKeys(u) {
    const rows = u.root.querySelectorAll(".u-legend .u-series");
    rows.forEach((row, i) => {
      const head = row.querySelector("th");
      if (i === 0 || !head) return;
      head.tabIndex = 0;
      head.setAttribute("role", "button");
      head.addEventListener("keydown", (e) => {
        e.stopPropagation();
        if (e.key === "Enter" || e.key === " ") {
          e.preventDefault();
          head.click();
        }
      });
    });
  }

  /** set gives a chart new data, and keeps the span that is shown. */
  set(chart, data) {
    this.zooming = true;
    chart.u.setData(data, false);
    chart.u.setScale("x", this.limits());
    this.zooming = false;
  }

  resize(width) {
    for (const c of this.charts) {
      const w = Math.max(200, width || c.plot.clientWidth);
      if (w !== c.u.width) c.u.setSize({ width: w, height: c.u.height });
    }
  }

  redraw() {
    for (const c of this.charts) c.u.redraw(false, true);
  }
}

/** alone lists the points without neighbours: no line shows them. */
function alone(u, k) {
  const v = u.data[k], out = [];
  for (let i = 0; i < v.length; i++) if (v[i] != null && v[i - 1] == null && v[i + 1] == null) out.push(i);
  return out;
}

/** times returns the middle of every bucket. */
function times(d) {
  return d.ok.map((_, i) => (i + 0.5) * d.width);
}

/** rates turns counts of buckets into rates; the last bucket may be a short one. */
function rates(d, counts) {
  const last = counts.length - 1;
  return counts.map((n, i) => n / (i === last ? Math.max(d.seconds - i * d.width, d.width / 4) : d.width));
}

const rateSeries = [
  { label: "ok", color: "--ok", fill: "22" }, { label: "fail", color: "--fail", fill: "44" }, { label: "info (nobody knows)", color: "--info", fill: "44" },
];
const recordSeries = [{ label: "acknowledged", color: "--ok" }, { label: "read", color: "--read" }];
const latencySeries = [
  { label: "p50", color: "--ok" }, { label: "p90", color: "--read" }, { label: "p99", color: "--info" }, { label: "max", color: "--bad", width: 1, dash: [3, 3] },
];

function rateData(d) { return [times(d), rates(d, d.ok), rates(d, d.fail), rates(d, d.info)]; }
function recordData(d) { return [times(d), rates(d, d.acked), rates(d, d.read)]; }
function latencyData(d, k) {
  const l = d.latency[Math.min(k, d.latency.length - 1)];
  if (!l) return [times(d), [], [], [], []].map((s, i) => (i ? d.ok.map(() => null) : s));
  // A log scale has no place for 0.
  return [times(d), ...[l.p50, l.p90, l.p99, l.max].map((s) => s.map((v) => (v > 0 ? v : null)))];
}

/** radios offers a choice; it returns the fieldset. */
function radios(el, name, labels, chosen, pick) {
  el.textContent = "";
  labels.forEach((text, i) => {
    const input = make("input", { type: "radio", name, value: String(i) });
    input.checked = i === chosen;
    input.addEventListener("change", () => pick(i));
    el.append(make("label", {}, input, text));
  });
}
