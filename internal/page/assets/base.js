"use strict";
// What the parts of the page share. Text from data is only ever set as
// textContent: nothing here makes markup out of strings.

/** css resolves a colour of the style sheet, such as "--ok". */
function css(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** make creates an element with properties and children; strings are text. */
function make(tag, props, ...children) {
  const el = document.createElement(tag);
  for (const [k, v] of Object.entries(props || {})) {
    if (k === "class") el.className = v;
    else if (k.startsWith("on")) el.addEventListener(k.slice(2), v);
    else el.setAttribute(k, v);
  }
  for (const c of children) el.append(c);
  return el;
}

/** svg is make for SVG. */
function svg(tag, props, ...children) {
  const el = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [k, v] of Object.entries(props || {})) el.setAttribute(k, v);
  for (const c of children) el.append(c);
  return el;
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const exact = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });

/** amount writes a number for a legend. */
function amount(v) {
  if (v == null) return "–";
  return Math.abs(v) >= 100 ? whole.format(v) : exact.format(v);
}

/** short writes a number for an axis. */
function short(v) {
  if (v == null) return "";
  for (const [unit, name] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (Math.abs(v) >= unit) return +(v / unit).toPrecision(4) + name;
  }
  return String(+v.toPrecision(4));
}

/** clockTime writes seconds of the run. */
function clockTime(s) {
  if (s == null) return "–";
  if (s < 120) return s.toFixed(s < 10 ? 2 : 1) + " s";
  const h = Math.floor(s / 3600), m = Math.floor((s % 3600) / 60), r = Math.floor(s % 60);
  const two = (n) => String(n).padStart(2, "0");
  return (h ? h + ":" + two(m) : m) + ":" + two(r);
}

/** setUpTheme offers the other theme than the one the system asks for. */
function setUpTheme(changed) {
  const root = document.documentElement, button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  try { chosen = localStorage.getItem("ackproof-theme"); } catch { /* a sandboxed page has no storage */ }
  const show = () => {
    if (chosen) root.dataset.theme = chosen;
    const dark = chosen ? chosen === "dark" : system.matches;
    if (button) {
      button.hidden = false;
      button.textContent = dark ? "Light" : "Dark";
      button.setAttribute("aria-label", "Switch to the " + (dark ? "light" : "dark") + " theme");
    }
    changed();
  };
  if (button) {
    button.addEventListener("click", () => {
      chosen = (chosen ? chosen === "dark" : system.matches) ? "light" : "dark";
      try { localStorage.setItem("ackproof-theme", chosen); } catch { /* see above */ }
      show();
    });
  }
  system.addEventListener("change", show);
  show();
}
