// Tables of the report can be sorted and filtered. Without this script they show as they are.
"use strict";

const FEW_ROWS = 5; // so many need no filter
const words = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

// The number that a cell begins with: of an interval, its lower end; NaN where there is none.
const numberIn = text => parseFloat(text.replace(/[,[<%]/g, ""));

function inOrder(kind, descending) {
  const sign = descending ? -1 : 1;
  return (a, b) => {
    if (!kind.number) return sign * words.compare(a.key, b.key);
    if (isNaN(a.key) || isNaN(b.key)) return isNaN(a.key) - isNaN(b.key); // what is missing, last
    return sign * (a.key - b.key);
  };
}

function sort(table, head) {
  const descending = head.getAttribute("aria-sort") === "ascending";
  const kind = { number: head.classList.contains("number") };
  const body = table.tBodies[0];
  const rows = [...body.rows].map(row => {
    const text = row.cells[head.cellIndex].textContent;
    return { row, key: kind.number ? numberIn(text) : text };
  });
  rows.sort(inOrder(kind, descending));
  body.append(...rows.map(each => each.row));
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", descending ? "descending" : "ascending");
}

function makeSortable(table) {
  for (const head of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(table, head));
    head.append(button);
  }
}

function makeFilterable(table) {
  const rows = [...table.tBodies[0].rows];
  if (rows.length <= FEW_ROWS) return;
  const input = document.createElement("input");
  input.type = "search";
  input.placeholder = "Filter rows";
  input.setAttribute("aria-label", `Filter rows: ${table.caption.textContent}`);
  const count = document.createElement("output");
  const show = () => {
    const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !wanted.every(word => text.includes(word));
    }
    count.textContent = `${rows.filter(row => !row.hidden).length} of ${rows.length} rows`;
  };
  input.addEventListener("input", show);
  show();
  const line = document.createElement("div");
  line.className = "filter";
  line.append(input, count);
  table.parentElement.before(line);
}

for (const table of document.querySelectorAll("table")) {
  makeSortable(table);
  makeFilterable(table);
}
