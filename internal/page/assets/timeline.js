"use strict";
// The operations around an example: bars by process above, offsets below. Time
// that is cut out stands as a gap.

class TimelineView {
  constructor(figure, data, bands) {
    Object.assign(this, { figure, data, bands, view: [0, data.segments.length], chosen: -1 });
    const button = (text, name, act) => make("button", { type: "button", "aria-label": name, onclick: act }, text);
    figure.querySelector("figcaption").append(make("span", { class: "tools" },
      button("−", "zoom out", () => this.zoom(2)), button("+", "zoom in", () => this.zoom(0.5)),
      button("◀", "earlier", () => this.pan(-0.3)), button("▶", "later", () => this.pan(0.3)), button("all", "show all", () => this.all())));
    this.svg = svg("svg", { tabindex: "0", role: "img", "aria-label": "Timeline of operations on " + data.log + ". Arrows choose an operation, plus and minus zoom, 0 shows all." });
    this.told = make("p", { class: "told", "aria-live": "polite" }, "Point at an operation, or Tab here and use the arrows.");
    figure.append(this.svg, this.told, this.key());
    this.svg.addEventListener("keydown", (e) => this.press(e));
    this.svg.addEventListener("wheel", (e) => { if (e.ctrlKey) { e.preventDefault(); this.zoom(e.deltaY > 0 ? 1.3 : 0.77); } }, { passive: false });
    this.drag();
    new ResizeObserver(() => requestAnimationFrame(() => this.draw())).observe(figure);
  }

  key() {
    const swatch = (c, text) => make("span", {}, make("span", { class: "swatch " + c }), text);
    return make("p", { class: "key" }, swatch("ok", "ok"), swatch("fail", "fail"), swatch("info", "info: nobody knows"), swatch("bad", "evidence"),
      swatch("acked", "acknowledged at"), swatch("read", "read at"), "○ end of the log");
  }

  /** place maps a time to [0, segments), where every segment is one wide. */
  place(t) {
    const s = this.data.segments;
    for (let i = 0; i < s.length; i++) {
      if (t <= s[i].to || i === s.length - 1) {
        if (t < s[i].from) return i;
        return i + 0.04 + 0.92 * Math.min(1, (t - s[i].from) / (s[i].to - s[i].from));
      }
    }
    return 0;
  }

  draw() {
    const width = this.figure.clientWidth;
    if (!width || width === this.drawn) return;
    this.drawn = width;
    this.paint();
  }

  paint() {
    const d = this.data, width = this.drawn, left = 88, right = width - 8, row = 18, rank = 13;
    const rows = d.rows.length * row + 8, ranks = (d.offsets || []).length * rank;
    const height = 18 + rows + (ranks ? ranks + 26 : 0);
    const [v0, v1] = this.view;
    const at = (v) => left + (v - v0) / (v1 - v0) * (right - left);
    const x = (t) => at(this.place(t));
    const s = this.svg;
    s.textContent = "";
    s.setAttribute("viewBox", `0 0 ${width} ${height}`);
    s.setAttribute("height", height);
    const clip = "clip-" + d.id;
    s.append(svg("clipPath", { id: clip }, svg("rect", { x: left, y: 0, width: right - left, height })));
    const inner = svg("g", { "clip-path": `url(#${clip})` });
    this.background(inner, at, x, height, left, right);
    d.rows.forEach((p, i) => {
      const y = 18 + i * row + row / 2;
      s.append(svg("text", { x: left - 6, y: y + 4, "text-anchor": "end" }, "process " + p));
      inner.append(svg("line", { class: "rowline", x1: left, x2: right, y1: y, y2: y }));
    });
    this.bars = d.ops.map((o, i) => {
      const y = 18 + o.row * row + 3, from = x(o.from), to = Math.max(x(o.to), from + 3);
      const g = svg("g", { class: `op ${o.outcome}${o.evidence ? " evidence" : ""}` }, svg("rect", { x: from, y, width: to - from, height: row - 6, rx: 2 }));
      g.addEventListener("pointerenter", () => this.tell(i));
      g.addEventListener("click", () => this.tell(i));
      inner.append(g);
      return g;
    });
    if (ranks) this.offsets(s, inner, x, left, right, 18 + rows + 20, rank);
    s.append(inner);
    if (this.chosen >= 0) this.tell(this.chosen);
  }

  background(g, at, x, height, left, right) {
    const d = this.data;
    for (const b of this.bands) {
      for (const seg of d.segments) {
        const from = Math.max(b.from, seg.from), to = Math.min(b.to < 0 ? Infinity : b.to, seg.to);
        if (to <= from) continue;
        const band = svg("rect", { class: "band", x: x(from), y: 14, width: Math.max(1, x(to) - x(from)), height });
        band.append(svg("title", {}, b.name + " on " + b.on));
        g.append(band);
      }
    }
    d.segments.forEach((seg, i) => {
      if (i > 0) g.append(svg("rect", { class: "cut", x: at(i) - 2, y: 14, width: 4, height }));
      const lo = Math.max(left, at(i)), hi = Math.min(right, at(i + 1));
      if (hi - lo > 60) g.append(svg("text", { x: lo + 3, y: 10 }, clockTime(seg.from) + (hi - lo > 150 ? " – " + clockTime(seg.to) : "")));
    });
  }

  /** offsets draws who says what of which offset; the lowest is at the bottom. */
  offsets(s, g, x, left, right, top, rank) {
    const d = this.data, n = d.offsets.length, y = (r) => top + (n - 1 - r) * rank + rank / 2;
    s.append(svg("text", { x: left - 6, y: top - 6, "text-anchor": "end" }, "offset"));
    if (d.focus >= 0) g.append(svg("rect", { class: "focus", x: left, y: y(d.focus) - rank / 2, width: right - left, height: rank }));
    d.offsets.forEach((o, r) => {
      s.append(svg("text", { x: left - 6, y: y(r) + 4, "text-anchor": "end" }, o));
      g.append(svg("line", { class: "rowline", x1: left, x2: right, y1: y(r), y2: y(r) }));
    });
    const named = []; // where labels stand
    for (const o of d.ops) {
      for (const say of o.says || []) {
        const hot = o.evidence && (say.rank === d.focus || d.focus < 0);
        const dot = svg("circle", { class: `say ${say.what}${hot ? " hot" : ""}`, cx: x(o.to), cy: y(say.rank), r: o.evidence ? 4.5 : 3 });
        dot.append(svg("title", {}, `entry ${o.index}: ${say.what} ${say.value || ""} at offset ${d.offsets[say.rank]}`));
        g.append(dot);
        if (hot && say.value) {
          const taken = named.some((n) => n.rank === say.rank && Math.abs(n.x - x(o.to)) < 100);
          const end = x(o.to) > right - 90 || (taken && x(o.to) > left + 90);
          named.push({ rank: say.rank, x: x(o.to) });
          g.append(svg("text", { x: x(o.to) + (end ? -8 : 8), y: y(say.rank) + 4, "text-anchor": end ? "end" : "start" }, `${say.what} ${say.value}`));
        }
      }
    }
  }

  tell(i) {
    const o = this.data.ops[i];
    if (this.chosen >= 0 && this.bars[this.chosen]) this.bars[this.chosen].firstChild.removeAttribute("style");
    this.chosen = i;
    const bar = this.bars[i].firstChild;
    bar.style.stroke = "var(--accent)";
    bar.style.strokeWidth = "2.5";
    this.told.textContent = `entry ${o.index}, process ${this.data.rows[o.row]}, ${clockTime(o.from)}: ${o.text}`;
  }

  press(e) {
    const n = this.data.ops.length;
    switch (e.key) {
      case "ArrowRight": case "ArrowLeft": {
        const step = e.key === "ArrowRight" ? 1 : -1;
        const i = this.chosen < 0 ? this.data.ops.findIndex((o) => o.evidence) : this.chosen + step;
        if (i >= 0 && i < n) { this.tell(i); this.reveal(this.data.ops[i]); }
        break;
      }
      case "+": case "=": this.zoom(0.5); break;
      case "-": this.zoom(2); break;
      case "0": this.all(); break;
      default: return;
    }
    e.preventDefault();
  }

  reveal(o) {
    const p = this.place(o.from), [v0, v1] = this.view;
    if (p < v0 || p > v1) this.show(p - (v1 - v0) / 2, p + (v1 - v0) / 2);
  }

  zoom(by) {
    const [v0, v1] = this.view, o = this.data.ops[this.chosen];
    let mid = o ? this.place((o.from + o.to) / 2) : (v0 + v1) / 2;
    if (mid < v0 || mid > v1) mid = (v0 + v1) / 2;
    this.show(mid - (mid - v0) * by, mid + (v1 - mid) * by);
  }

  pan(by) {
    const [v0, v1] = this.view, w = (v1 - v0) * by;
    this.show(v0 + w, v1 + w);
  }

  all() { this.show(0, this.data.segments.length); }

  /** show clamps and paints a span. */
  show(v0, v1) {
    const n = this.data.segments.length, w = Math.min(n, Math.max(v1 - v0, n / 2000));
    const from = Math.min(Math.max(0, v0), n - w);
    this.view = [from, from + w];
    this.paint();
  }

  drag() {
    let start = null;
    this.svg.addEventListener("pointerdown", (e) => { start = { x: e.clientX, view: this.view }; });
    this.svg.addEventListener("pointermove", (e) => {
      if (!start || e.buttons === 0 || Math.abs(e.clientX - start.x) < 4) return;
      const w = (start.view[1] - start.view[0]) * (start.x - e.clientX) / this.drawn;
      this.show(start.view[0] + w, start.view[1] + w);
    });
    this.svg.addEventListener("pointerup", () => { start = null; });
  }
}
