"use strict";
// SPDX-FileCopyrightText: the imug_metrics authors
// SPDX-License-Identifier: Apache-2.0
// Lets readers sort and filter tables; without it the page is whole, in the order in which it was written.

const MOST_CHOICES = 12;
const texts = new Intl.Collator("en", { numeric: true });
const textOf = (cell) => cell.textContent.trim();
const keyOf = (cell) => (cell.dataset.key === undefined ? NaN : Number(cell.dataset.key));
const rowsOf = (table) => [...table.tBodies].flatMap((body) => [...body.rows]);

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// Rows by one column; what has no value comes last whichever way, and equal ones stay in order.
function sorted(rows, place, direction) {
  const keyed = rows.map((row) => ({ row, key: keyOf(row.cells[place]), text: textOf(row.cells[place]) }));
  const numeric = keyed.some(({ key }) => !Number.isNaN(key));
  const absent = ({ key, text }) => (numeric ? Number.isNaN(key) : text === "");
  const order = (a, b) => (numeric ? Math.sign(a.key - b.key) || 0 : texts.compare(a.text, b.text));
  const compare = (a, b) => absent(a) - absent(b) || (absent(a) ? 0 : direction * order(a, b));
  return keyed.sort(compare).map(({ row }) => row);
}

// A button in each heading: up, down, and back to the order as written.
function makeSortable(table) {
  const written = [...table.tBodies].map((body) => [...body.rows]);
  const headings = [...table.tHead.rows[0].cells];
  const next = { ascending: "descending", descending: null };
  const sort = (heading, place) => {
    const now = heading.getAttribute("aria-sort");
    const order = now ? next[now] : "ascending";
    headings.forEach((other) => other.removeAttribute("aria-sort"));
    if (order) heading.setAttribute("aria-sort", order);
    table.classList.toggle("sorted", order !== null);
    written.forEach((rows, group) => {
      const found = order ? sorted(rows, place, order === "ascending" ? 1 : -1) : rows;
      table.tBodies[group].append(...found);
    });
  };
  headings.forEach((heading, place) => {
    if (heading.tagName !== "TH") return;
    const button = make("button", { type: "button" }, ...heading.childNodes);
    button.addEventListener("click", () => sort(heading, place));
    heading.append(button);
  });
}

// The texts of a column, if they are few and come again; a column of one text leaves nothing to choose.
function choices(rows, place) {
  const found = new Set();
  for (const row of rows) {
    const cell = row.cells[place];
    if (cell.querySelector("details, svg, img")) return [];
    found.add(textOf(cell));
    if (found.size > MOST_CHOICES) return [];
  }
  return found.size > 1 && found.size < rows.length ? [...found].sort(texts.compare) : [];
}

// A text box, a list for each column of few texts, and how many rows are left.
function makeFilterable(table) {
  const rows = rowsOf(table);
  const box = make("input", { type: "search", autocomplete: "off" });
  const lists = [...table.tHead.rows[0].cells].flatMap((heading, place) => {
    const found = choices(rows, place);
    if (!found.length) return [];
    const options = found.map((text) => make("option", { value: text }, text || "(empty)"));
    const list = make("select", {}, make("option", { value: "*" }, "all"), ...options);
    return [{ list, place, name: textOf(heading) }];
  });
  const count = make("p", { role: "status" });
  const form = make("div", { className: "filter", role: "group" }, make("label", {}, "Search ", box));
  form.append(...lists.map(({ list, name }) => make("label", {}, `${name} `, list)), count);
  form.setAttribute("aria-label", `Filter: ${table.caption ? textOf(table.caption) : "table"}`);

  let words = null; // read when first needed: thousands of rows have much text
  const filter = () => {
    words ??= rows.map((row) => row.textContent.toLowerCase());
    const wanted = box.value.toLowerCase().trim();
    const chosen = lists.filter(({ list }) => list.selectedIndex > 0);
    const fits = (row, i) =>
      words[i].includes(wanted) && chosen.every(({ list, place }) => textOf(row.cells[place]) === list.value);
    let shown = 0;
    rows.forEach((row, i) => {
      const hidden = !fits(row, i);
      if (row.hidden !== hidden) row.hidden = hidden;
      shown += !hidden;
    });
    table.classList.toggle("filtered", shown < rows.length);
    count.textContent = `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows`;
  };
  let waiting = 0;
  form.addEventListener("input", () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(filter);
  });
  const clear = () => {
    box.value = "";
    lists.forEach(({ list }) => (list.selectedIndex = 0));
    filter();
  };
  table.closest(".scroll").before(form);
  count.textContent = `${rows.length.toLocaleString("en")} rows`;
  return clear;
}

const clearing = new Map();
document.querySelectorAll("table.filterable").forEach((table) => clearing.set(table, makeFilterable(table)));
document.querySelectorAll("table.sortable").forEach(makeSortable);

// A link into the page leads to its target, though that was folded or filtered away.
function reveal() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target.closest("tr[hidden]")) clearing.get(target.closest("table"))?.();
  for (let part = target; part; part = part.parentElement?.closest("details")) if (part.tagName === "DETAILS") part.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", reveal);
reveal();
