// A click on a heading of a table in a container "sortable" sorts its rows by that column, a second click in reverse.
// A cell is compared by its first number, "0.77 [0.70, 0.83]" by 0.77, and by its text if it has none.
document.addEventListener("DOMContentLoaded", () => {
  for (const table of document.querySelectorAll(".sortable table")) {
    const headings = [...table.querySelectorAll("thead th")];
    headings.forEach((heading, column) => {
      const button = document.createElement("button");
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const downwards = heading.ariaSort !== "descending";
        for (const other of headings) other.ariaSort = "none";
        heading.ariaSort = downwards ? "descending" : "ascending";
        const sign = downwards ? -1 : 1;
        const body = table.tBodies[0];
        const value = (row) => {
          const text = row.cells[column].textContent.trim();
          const number = /^[-+]?[\d,]*\.?\d+/.exec(text);
          return number ? Number(number[0].replaceAll(",", "")) : text;
        };
        const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : `${a}`.localeCompare(`${b}`));
        body.append(...[...body.rows].sort((a, b) => sign * compare(value(a), value(b))));
      });
    });
  }
});
