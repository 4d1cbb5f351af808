// Filter, sort and jump; everything works by keyboard, and the tables are complete without it.
function setUpFilter() {
  const input = document.getElementById("filter");
  const table = document.getElementById("results-table");
  if (!input || !table) { return; }
  const kind = document.getElementById("filter-kind");
  const rows = Array.from(table.tBodies[0].rows);
  const texts = rows.map(function (row) { return row.textContent.toLowerCase(); });
  function apply() {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach(function (row, i) {
      const fits = words.every(function (word) { return texts[i].includes(word); }) && (
        !kind.value || row.dataset.kind === kind.value || (kind.value === "attention" && row.dataset.verdict !== "pass"));
      row.classList.toggle("hidden", !fits);
      document.getElementById(row.dataset.anchor).classList.toggle("hidden", !fits);
      shown += fits ? 1 : 0;
    });
    document.getElementById("filter-count").textContent = shown + " of " + rows.length + " patients";
    listPatients();
  }
  input.addEventListener("input", apply);
  kind.addEventListener("change", apply);
  document.getElementById("filter-form").addEventListener("submit", function (event) { event.preventDefault(); });
  document.getElementById("filter-clear").addEventListener("click", function () {
    input.value = "";
    kind.value = "";
    apply();
    input.focus();
  });
  apply();
}

function shownPatients() {
  return Array.from(document.querySelectorAll("article.patient:not(.hidden)"));
}

function listPatients() {
  const jump = document.getElementById("jump");
  Array.from(jump.options).forEach(function (option) {
    const page = option.value && document.getElementById(option.value);
    option.hidden = option.disabled = Boolean(page && page.classList.contains("hidden"));
  });
}

function goTo(article) {
  article.scrollIntoView();
  article.focus({ preventScroll: true });
  document.getElementById("jump").value = article.id;
}

function setUpJump() {
  const jump = document.getElementById("jump");
  if (!jump) { return; }
  function current() {
    const last = jump.value && document.getElementById(jump.value);
    if (last && last.getBoundingClientRect().top < window.innerHeight && last.getBoundingClientRect().bottom > 0) {
      return shownPatients().indexOf(last);
    }
    const line = document.querySelector(".bar").offsetHeight + 40;
    return shownPatients().filter(function (article) { return article.getBoundingClientRect().top <= line; }).length - 1;
  }
  jump.addEventListener("change", function () {
    const article = jump.value && document.getElementById(jump.value);
    if (article) { goTo(article); }
  });
  function step(by) {
    const pages = shownPatients();
    const article = pages[Math.min(pages.length - 1, Math.max(0, current() + by))];
    if (article) { goTo(article); }
  }
  document.getElementById("next").addEventListener("click", function () { step(1); });
  document.getElementById("previous").addEventListener("click", function () { step(-1); });
  document.getElementById("jump-form").addEventListener("submit", function (event) { event.preventDefault(); });
}

// Numbers sort as numbers, words as words, empty cells last.
function compareCells(a, b) {
  const x = a.textContent.trim();
  const y = b.textContent.trim();
  if (!x || !y) { return x ? -1 : y ? 1 : 0; }
  const first = Number(x);
  const second = Number(y);
  return isNaN(first) || isNaN(second) ? x.localeCompare(y, "en", { numeric: true }) : first - second;
}

function setUpSorting() {
  document.querySelectorAll("table.sortable").forEach(function (table) {
    const heads = Array.from(table.tHead.rows[0].cells);
    const body = table.tBodies[0];
    const original = Array.from(body.rows);
    heads.forEach(function (head, column) {
      const button = document.createElement("button");
      button.type = "button";
      button.append.apply(button, Array.from(head.childNodes));
      head.appendChild(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", function () {
        const next = { none: "ascending", ascending: "descending", descending: "none" }[head.getAttribute("aria-sort")];
        heads.forEach(function (other) { other.setAttribute("aria-sort", "none"); });
        head.setAttribute("aria-sort", next);
        const rows = original.slice();
        if (next !== "none") {
          rows.sort(function (a, b) {
            const order = compareCells(a.cells[column], b.cells[column]);
            const empty = !a.cells[column].textContent.trim() || !b.cells[column].textContent.trim();
            return next === "descending" && !empty ? -order : order;
          });
        }
        body.append.apply(body, rows);
      });
    });
  });
}
