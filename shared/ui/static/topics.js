// Topics and homework, written where they stand on the facing page.
"use strict";
const topics = (() => {
  if (!outbox || !facing) return null;
  const { book, enter } = outbox, { pane, heads, lines } = facing;
  const fields = ["", "topic", "homework"], names = pane.querySelector("thead tr").cells;
  const pen = document.createElement("textarea"), due = new Map();
  let was = "";
  pen.rows = 1;

  const columnOf = (td) => lines.indexOf(td.parentNode) + 1;
  const shut = (td) => heads[columnOf(td)].hasAttribute("data-locked");
  const textIn = (td) => td.contains(pen) ? was : td.querySelector(".due") ? "" : td.textContent;
  const cellOf = (td) => ({ url: book.dataset.url + heads[columnOf(td)].dataset.at, field: fields[td.cellIndex], pupil: "", slot: "", base: td.dataset.base ?? textIn(td) });
  function tdOf(cell) {
    const index = fields.indexOf(cell.field || "-"), column = heads.findIndex((head) => head.dataset.at && book.dataset.url + head.dataset.at === cell.url);
    return index > 0 && column > 0 ? lines[column - 1].cells[index] : null;
  }
  function put(td, text) {
    td.dataset.base ??= textIn(td);
    if (td.contains(pen)) {
      if (pen.value === was) pen.value = text;
      was = text;
      return;
    }
    td.textContent = text;
    const offered = td.cellIndex === 1 && !text && due.get(td.parentNode);
    if (offered) td.append(offered);
  }
  function open(td) {
    if (td.contains(pen) || shut(td)) return;
    const text = textIn(td);
    td.dataset.base ??= text;
    td.replaceChildren(pen);
    pen.value = was = text;
    pen.maxLength = td.cellIndex === 1 ? 500 : 1000;
    pen.setAttribute("aria-label", `${names[td.cellIndex].textContent}, ${td.parentNode.cells[0].textContent}`);
    pen.focus();
  }
  function send() {
    if (pen.parentNode && pen.value.trim() !== was) enter(cellOf(pen.parentNode), pen.value.trim());
  }
  // The field has lost the focus.
  function close() {
    const td = pen.parentNode, text = pen.value.trim();
    pen.remove();
    put(td, was);
    reach(td.parentNode, td.parentNode.classList.contains("chosen"));
    if (text !== was) enter(cellOf(td), text);
  }
  // Tab comes to the chosen lesson alone; Enter and the arrows go from one to the next.
  function reach(line, open) {
    line.cells[0].firstElementChild.tabIndex = open ? 0 : -1;
    for (const td of [line.cells[1], line.cells[2]]) if (!shut(td)) td.tabIndex = open ? 0 : -1;
  }
  function move(cell, down) {
    const line = lines[lines.indexOf(cell.parentNode) + down], to = line && line.cells[cell.cellIndex];
    if (to) (to.tagName === "TH" ? to.firstElementChild : to).focus();
    return Boolean(to);
  }
  for (const line of lines) {
    const told = line.querySelector(".due");
    if (told) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = told.className;
      button.textContent = told.textContent;
      due.set(line, button);
      told.replaceWith(button);
    }
    reach(line, false);
  }
  facing.follow((column, before) => {
    if (before) reach(lines[before - 1], false);
    reach(lines[column - 1], true);
  });
  pane.addEventListener("focusin", (event) => { if (event.target.tagName === "TD") open(event.target); });
  // What the plan says of the lesson is written, where nothing is.
  function take(line) {
    for (const [at, text] of [[1, line.dataset.topic], [2, line.dataset.homework]]) if (text && !textIn(line.cells[at])) enter(cellOf(line.cells[at]), text);
  }
  pane.addEventListener("click", (event) => {
    const line = event.target.closest("tr");
    if (!event.target.closest("button.due")) return;
    take(line);
    line.cells[2].focus();
  });
  pane.addEventListener("keydown", (event) => {
    const { key, target } = event, cell = target.closest("th, td");
    if (event.ctrlKey || event.altKey || event.metaKey || target.tagName === "BUTTON") return;
    // Going on from the field, Tab does not come back to the cell that holds it.
    if (key === "Tab" && target === pen) { cell.tabIndex = -1; return; }
    const written = target === pen, up = key === "ArrowUp" && !(written && pen.selectionEnd), down = key === "ArrowDown" && !(written && pen.selectionStart < pen.value.length);
    if (key === "Escape" && written) pen.value = was;
    else if (up || down) move(cell, up ? -1 : 1);
    else if (key === "Enter" && written) { if (!move(cell, event.shiftKey ? -1 : 1)) cell.parentNode.cells[0].firstElementChild.focus(); }
    else return;
    event.preventDefault();
  });
  // Whoever looks at another window comes back to the field; what was written is sent.
  pen.addEventListener("blur", () => {
    if (document.hasFocus()) close();
    else send();
  });
  addEventListener("pagehide", send);
  return { tdOf, put, take(column) { take(lines[column - 1]); } };
})();
