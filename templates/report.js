/* Extras only: the page is whole without them. */
"use strict";
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
function make(tag, properties, ...inside) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...inside);
  return made;
}
function button(text, does, title = "") {
  const made = make("button", { type: "button", className: "extra", title }, text);
  made.addEventListener("click", does);
  return made;
}
const MISSING = "—";

/* Tables: sorted by a column, copied, without some columns. */
function sortBy(table, column) {
  const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells], head = heads[column];
  const down = head.getAttribute("aria-sort") === "ascending";
  heads.forEach((other) => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const numeric = head.classList.contains("number");
  const key = (row) => row.cells[column].dataset.value;
  const missing = (value) => numeric && value === "";
  body.append(...[...body.rows].sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    if (missing(x) || missing(y)) return missing(x) - missing(y);
    const order = numeric ? Number(x) - Number(y) : x.localeCompare(y);
    return down ? -order : order;
  }));
}
const shown = (row) => [...row.cells].filter((cell) => !("hidden" in cell.dataset));
function asText(table) {
  const rows = [...table.tBodies[0].rows].filter((row) => !("hidden" in row.dataset));
  const lines = [shown(table.tHead.rows[0]).map((cell) => cell.innerText.trim().replace(/\s+/g, " "))];
  for (const row of rows) lines.push(shown(row).map((cell) => cell.dataset.value));
  return lines.map((line) => line.join("\t")).join("\n") + "\n";
}
async function copy(text, done) {
  try {
    await navigator.clipboard.writeText(text);
  } catch { // not given to a page from a file by every browser
    const area = make("textarea", { value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  done.textContent = "Copied";
  setTimeout(() => { done.textContent = "Copy"; }, 2000);
}
function columnsOf(table) {
  const choices = make("div", { className: "columns", hidden: true });
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    if (!column) return;
    const box = make("input", { type: "checkbox", checked: true });
    box.addEventListener("change", () => {
      for (const row of table.rows) {
        if (box.checked) delete row.cells[column].dataset.hidden;
        else row.cells[column].dataset.hidden = "";
      }
    });
    choices.append(make("label", {}, box, ` ${head.innerText.trim()}`));
  });
  return choices;
}
for (const table of all("main .table table")) {
  const choices = columnsOf(table), holder = table.closest(".scroll");
  const copying = button("Copy", () => copy(asText(table), copying), "Copy for a spreadsheet");
  const choosing = button("Columns", () => {
    choices.hidden = !choices.hidden;
    choosing.setAttribute("aria-expanded", String(!choices.hidden));
  }, "Show or hide columns");
  choosing.setAttribute("aria-expanded", "false");
  holder.after(make("div", { className: "buttons" }, copying, choosing), choices);
  if (table.tBodies[0].rows.length < 2) continue;
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const sorting = make("button", { type: "button", title: "Sort by this column" });
    sorting.append(...head.childNodes);
    sorting.addEventListener("click", () => sortBy(table, column));
    head.append(sorting);
  });
}

/* Figures: enlarged, and the value at the pointer. */
const dialog = make("dialog", { className: "enlarged" });
dialog.append(make("form", { method: "dialog" }, make("button", { className: "extra" }, "Close")));
document.body.append(dialog);
function enlarge(figure) {
  const svg = figure.querySelector("svg"), place = document.createComment("");
  svg.replaceWith(place);
  dialog.append(svg);
  dialog.setAttribute("aria-label", figure.querySelector("figcaption .label").textContent);
  dialog.addEventListener("close", () => place.replaceWith(svg), { once: true });
  dialog.showModal();
}
const tip = make("div", { className: "tip", hidden: true, popover: "manual" });
tip.setAttribute("aria-hidden", "true");
document.body.append(tip);

const scaled = (axis, value) => (axis.log ? Math.log10(value) : value);
function placeOn(axis, low, high, value) {
  const [a, b] = axis.range.map((end) => scaled(axis, end));
  return low + (high - low) * (scaled(axis, value) - a) / (b - a);
}
function valueAt(axis, low, high, place) {
  const [a, b] = axis.range.map((end) => scaled(axis, end));
  const value = a + (b - a) * (place - low) / (high - low);
  return axis.log ? 10 ** value : value;
}
function digits(value, exact = true) {
  if (value === null || !Number.isFinite(value)) return MISSING;
  const size = Math.abs(value);
  if (size && (size < 1e-3 || size >= 1e7)) return value.toExponential(3).replace("-", "−");
  return value.toLocaleString("en-US", { maximumSignificantDigits: exact && size >= 1e4 ? 7 : 4 }).replace("-", "−");
}
const parts = (axis) => /^(.*?)(?: \[(.*)\])?$/s.exec(axis.label).slice(1);
const named = (axis, text) => (parts(axis)[0] ? `${parts(axis)[0]}: ${text}` : text);
const withUnit = (axis, text) => (parts(axis)[1] ? `${text} ${parts(axis)[1]}` : text);
function said(axis, value, exact = true) {
  const known = (axis.names || []).find(([place]) => Math.abs(place - value) < 0.5);
  return named(axis, known ? known[1] : withUnit(axis, digits(value, exact)));
}
const bin = (edges, value) => edges.findIndex((edge, k) => k + 1 < edges.length
  && (value - edge) * (value - edges[k + 1]) <= 0);
function onSky(axes, across, up) {
  const n = Math.sqrt(axes.sky.values[0].length) - 1;
  const [x, y] = [across * n, up * n], [i, j] = [x, y].map((one) => Math.min(Math.max(Math.floor(one), 0), n - 1));
  const [u, v] = [x - i, y - j];
  return axes.sky.values.map((values, k) => {
    const at = (di, dj) => values[(j + dj) * (n + 1) + i + di];
    const value = (1 - v) * ((1 - u) * at(0, 0) + u * at(1, 0)) + v * ((1 - u) * at(0, 1) + u * at(1, 1));
    return `${parts({ label: axes.sky.labels[k] })[0]}: ${(k ? value : (value + 360) % 360).toFixed(4).replace("-", "−")}°`;
  });
}
/* What the axes show at a place, in points of the drawing: lines to say, and where a mark goes. */
function reading(axes, px, py) {
  const [left, top, right, bottom] = axes.box;
  if (axes.sky) return { lines: onSky(axes, (px - left) / (right - left), (bottom - py) / (bottom - top)) };
  const x = valueAt(axes.x, left, right, px), y = valueAt(axes.y, bottom, top, py);
  for (const grid of axes.grids || []) {
    const column = bin(grid.x, x), row = bin(grid.y, y);
    if (column < 0 || row < 0) continue;
    const middle = (edges, k) => (edges[k] + edges[k + 1]) / 2;
    const value = grid.values[row * (grid.x.length - 1) + column];
    return { lines: [said(axes.x, middle(grid.x, column)), said(axes.y, middle(grid.y, row)), said(grid, value)] };
  }
  const steps = (axes.steps || []).map((one) => [one, bin(one.edges, x)]).filter(([, k]) => k >= 0);
  if (steps.length) {
    const [first, k] = steps[0];
    const range = `${digits(first.edges[k])} to ${digits(first.edges[k + 1])}`;
    return {
      lines: [named(axes.x, withUnit(axes.x, range)),
        ...steps.map(([one, n]) => `${one.label || parts(axes.y)[0]}: ${withUnit(axes.y, digits(one.values[n]))}`)],
    };
  }
  let best = null;
  for (const line of axes.lines || []) {
    line.x.forEach((value, k) => {
      const at = [placeOn(axes.x, left, right, value), placeOn(axes.y, bottom, top, line.y[k])];
      const far = Math.hypot(at[0] - px, at[1] - py);
      if (!best || far < best.far) best = { far, at, line, k };
    });
  }
  if (!best || best.far > 25) return { lines: [said(axes.x, x, false), said(axes.y, y, false)] };
  const { line, k, at } = best;
  return { at, lines: [...(line.label ? [line.label] : []), said(axes.x, line.x[k]), said(axes.y, line.y[k])] };
}
const SVG = "http://www.w3.org/2000/svg";
for (const svg of all("main figure svg")) {
  const text = svg.querySelector("metadata");
  if (!text) continue;
  const drawn = JSON.parse(text.textContent);
  const mark = document.createElementNS(SVG, "circle");
  mark.setAttribute("r", "3");
  mark.setAttribute("style", "fill: none; stroke: var(--accent); stroke-width: 1.5; pointer-events: none");
  const leave = () => { tip.hidden = true; if (tip.hidePopover && tip.matches(":popover-open")) tip.hidePopover(); mark.remove(); };
  const move = (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const axes = drawn.find(({ box }) => at.x >= box[0] && at.x <= box[2] && at.y >= box[1] && at.y <= box[3]);
    if (!axes) { leave(); return; }
    const found = reading(axes, at.x, at.y);
    tip.textContent = found.lines.join("\n");
    tip.hidden = false;
    if (tip.showPopover && !tip.matches(":popover-open")) tip.showPopover();
    const { width, height } = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 12, innerWidth - width - 4))}px`;
    tip.style.top = `${event.clientY + height + 20 > innerHeight ? event.clientY - height - 12 : event.clientY + 14}px`;
    mark.remove();
    if (found.at) {
      mark.setAttribute("cx", found.at[0]);
      mark.setAttribute("cy", found.at[1]);
      svg.append(mark);
    }
  };
  svg.addEventListener("pointermove", move);
  svg.addEventListener("pointerdown", move);
  svg.addEventListener("pointerleave", leave);
}

/* Links to what one wants to point a colleague to. */
function link(target, said) {
  const made = make("a", { className: "hash", href: `#${target}`, tabIndex: -1 }, "#");
  made.setAttribute("aria-hidden", "true");
  said.append(" ", made);
}
for (const heading of all("main section[id] > h2")) link(heading.parentElement.id, heading);
for (const figure of all("main figure[id]")) {
  const caption = figure.querySelector("figcaption");
  link(figure.id, caption);
  const label = caption.querySelector(".label").textContent;
  const enlarging = button("Enlarge", () => enlarge(figure));
  enlarging.setAttribute("aria-label", `Enlarge ${label}`);
  caption.append(" ", enlarging);
}

/* The buttons of a section are one stop of the Tab key; arrows lead from one to the next. */
for (const section of all("main section")) {
  const buttons = () => all("button, .columns input", section).filter((one) => one.checkVisibility());
  const enter = (one) => { for (const each of all("button, .columns input", section)) each.tabIndex = each === one ? 0 : -1; };
  const first = section.querySelector("button");
  if (!first) continue;
  enter(first);
  section.addEventListener("focusin", ({ target }) => { if (target.matches("button, .columns input")) enter(target); });
  section.addEventListener("keydown", (event) => {
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const reachable = buttons(), place = reachable.indexOf(event.target);
    if (!steps || place < 0) return;
    event.preventDefault();
    reachable[(place + steps + reachable.length) % reachable.length].focus();
  });
}
/* What need not be scrolled need not be a stop. */
function fit(scrolled) {
  if (scrolled.scrollWidth > scrolled.clientWidth) scrolled.tabIndex = 0;
  else scrolled.removeAttribute("tabindex");
}
const fitting = new ResizeObserver((entries) => { for (const { target } of entries) fit(target); });
for (const scrolled of all(".scroll")) fitting.observe(scrolled);
/* A font that is used for the first time, such as that of a configuration, is there later. */
document.fonts.addEventListener("loadingdone", () => all(".scroll").forEach(fit));

/* Search, what needs attention, colours. */
const tools = document.querySelector(".tools");
if (tools) {
  tools.hidden = false;
  const search = tools.querySelector("#search"), failed = tools.querySelector("#only-failed");
  const found = tools.querySelector("#found"), theme = tools.querySelector("#theme");
  const hide = (one, hidden) => { if (hidden) one.dataset.hidden = ""; else delete one.dataset.hidden; };
  const texts = new Map(all("main > section").map((section) => [section, section.textContent.toLowerCase()]));
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const has = (text) => words.every((word) => text.includes(word));
    let sections = 0;
    for (const [section, text] of texts) {
      const kept = has(text) && !(failed?.checked && section.dataset.status === "ok");
      hide(section, !kept);
      sections += kept && "status" in section.dataset;
      const entry = document.querySelector(`nav a[href="#${CSS.escape(section.id)}"]`);
      if (entry) hide(entry.parentElement, !kept);
      for (const table of all("table", section)) {
        const rows = [...table.tBodies[0].rows].map((row) => [row, words.length === 0 || has(row.textContent.toLowerCase())]);
        const some = rows.some(([, fits]) => fits);
        for (const [row, fits] of rows) hide(row, some && !fits);
        const folded = table.closest("details.table");
        if (folded && words.length && some) folded.open = true;
      }
    }
    found.textContent = words.length || failed?.checked
      ? `${sections} section${sections === 1 ? "" : "s"} shown` : "";
  };
  search.addEventListener("input", filter);
  failed?.addEventListener("change", filter);
  theme.value = document.documentElement.dataset.theme;
  theme.addEventListener("change", () => {
    document.documentElement.dataset.theme = theme.value;
    try { localStorage.setItem("reportgen-theme", theme.value); } catch { /* for this page only */ }
  });
}

/* The contents follow the reader. */
const wide = window.matchMedia("(min-width: 70rem)");
const contents = document.querySelector("nav details");
if (contents) {
  contents.open = wide.matches; // on a phone what needs attention follows the verdict
  if (tools) contents.querySelector("summary").append(" and search");
}
const links = new Map(all("nav a").map((a) => [a.hash.slice(1), a]));
const seen = new Set();
const follow = new IntersectionObserver((entries) => {
  for (const entry of entries) seen[entry.isIntersecting ? "add" : "delete"](entry.target.id);
  const current = [...links.keys()].find((id) => seen.has(id));
  for (const [id, link] of links) {
    if (id === current) {
      link.setAttribute("aria-current", "location");
      const nav = link.closest("nav");
      if (nav.scrollHeight > nav.clientHeight) {
        const [box, frame] = [link.getBoundingClientRect(), nav.getBoundingClientRect()];
        if (box.top < frame.top || box.bottom > frame.bottom) nav.scrollTop += box.top - frame.top - frame.height / 3;
      }
    } else link.removeAttribute("aria-current");
  }
}, { rootMargin: "-20% 0px -75% 0px" }); // what crosses this line of the window is being read
for (const id of links.keys()) {
  const target = document.getElementById(id);
  if (target) follow.observe(target);
}
window.addEventListener("beforeprint", () => { for (const each of all("details")) each.open = true; });
