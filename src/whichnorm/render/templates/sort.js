// Tables: a button in each heading sorts up, then down, then back to the study's order.

function makeSortable(table) {
  const body = table.tBodies[0];
  const original = [...body.rows];
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = make("button", { type: "button", class: "sort" }, ...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const before = heading.getAttribute("aria-sort");
      const after = before === null ? "ascending" : before === "ascending" ? "descending" : null;
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      if (after) heading.setAttribute("aria-sort", after);
      body.append(...(after ? sorted(original, column, after === "ascending" ? 1 : -1) : original));
    });
  });
}

// Rows without a value in the column stay last in both directions.
function sorted(rows, column, direction) {
  const numeric = rows.some((row) => row.cells[column].classList.contains("number") && !isNaN(number(row, column)));
  const missing = (row) => numeric && isNaN(number(row, column));
  const compare = (a, b) =>
    numeric
      ? number(a, column) - number(b, column)
      : a.cells[column].textContent.localeCompare(b.cells[column].textContent, "en", { numeric: true });
  return [...rows].sort((a, b) => missing(a) - missing(b) || (missing(a) ? 0 : direction * compare(a, b)));
}

function number(row, column) {
  const found = row.cells[column].textContent.replaceAll(",", "").replaceAll("−", "-").match(/[+-]?\d+(\.\d+)?(e[+-]?\d+)?/);
  return found ? Number(found[0]) : NaN;
}
