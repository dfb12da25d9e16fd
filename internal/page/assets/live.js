"use strict";
// The page of a run while it lasts. The server sends the whole state whenever
// the run wrote it anew; charts and words follow.

function setUpLive(first) {
  const board = new Board();
  const draw = drawAll(board, first.data);
  const words = (s) => {
    for (const el of document.querySelectorAll("[data-live]")) {
      const v = s[el.dataset.live];
      el.textContent = typeof v === "number" ? (v >= 100 ? whole.format(v) : exact.format(v)) : v || "–";
    }
    const found = document.getElementById("found");
    found.textContent = "";
    for (const f of s.found || []) found.append(make("li", {}, make("b", {}, f.kind), " × " + whole.format(f.count)));
    if (!found.children.length) found.append(make("li", {}, "none so far"));
  };
  words(first);
  const source = new EventSource(document.querySelector("[data-events]").dataset.events);
  const chip = document.querySelector(".chip");
  source.addEventListener("state", (e) => {
    const s = JSON.parse(e.data);
    chip.textContent = s.state;
    words(s);
    draw(s.data);
  });
  source.addEventListener("end", (e) => {
    source.close();
    const s = JSON.parse(e.data);
    chip.textContent = s.verdict;
    document.querySelector(".verdict").className = "verdict " + s.verdict;
    document.getElementById("ended").hidden = false;
  });
  source.onerror = () => { if (source.readyState !== EventSource.CLOSED) chip.textContent = "connection lost, trying again"; };
  return board;
}
