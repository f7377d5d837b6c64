// A term is two facing pages, marks and topics: the lesson chosen or pointed at on one of them is marked on the other.
"use strict";
const facing = (() => {
  const pane = document.querySelector("[data-lines]"), table = document.querySelector(".journal-grid");
  if (!pane || !table) return null;
  const heads = [...table.tHead.rows[0].cells], lines = [...pane.querySelector("tbody").rows];
  const columns = table.querySelector("colgroup") || table.insertBefore(document.createElement("colgroup"), table.tHead);
  while (columns.children.length <= lines.length) columns.append(document.createElement("col"));
  const box = table.closest(".scroll"), book = table.closest(".book"), followers = [];
  let chosen = 0, pointed = 0;

  // A lesson is known by its column; its line stands at the same place of the other page.
  function sign(column, name, on) {
    if (column) for (const part of [heads[column], columns.children[column], lines[column - 1]]) part.classList.toggle(name, on);
  }
  function columnOf(target) {
    const line = target.closest("[data-lines] tbody tr"), cell = target.closest(".journal-grid :is(td, thead th)");
    if (line) return lines.indexOf(line) + 1;
    return cell && heads[cell.cellIndex].dataset.at ? cell.cellIndex : 0;
  }
  function point(column) {
    if (column === pointed) return;
    sign(pointed, "pointed", false);
    sign(pointed = column, "pointed", true);
  }
  function choose(column) {
    if (!column || column === chosen) return;
    sign(chosen, "chosen", false);
    const before = chosen;
    sign(chosen = column, "chosen", true);
    for (const follow of followers) follow(column, before);
  }
  // A column is brought into sight whole, beside those that stay there, and the one beside the names is not cut either.
  const pinned = heads.filter((head) => head.matches(".sum") && getComputedStyle(head).right !== "auto");
  function showColumn(column, end) {
    const names = heads[0].offsetWidth, head = heads[column], right = pinned.reduce((sum, one) => sum + one.offsetWidth, head.offsetLeft + head.offsetWidth), most = (end || right) - box.clientWidth;
    if (head.offsetLeft - names < box.scrollLeft) box.scrollLeft = head.offsetLeft - names;
    else if (most > box.scrollLeft) box.scrollLeft = heads.find((one, at) => at && one.offsetLeft - names >= most).offsetLeft - names;
  }
  function showLine(column) {
    const line = lines[column - 1].getBoundingClientRect(), around = pane.getBoundingClientRect();
    if (line.top < around.top + 40 || line.bottom > around.bottom) pane.scrollTop += line.top - around.top - pane.clientHeight / 3;
  }
  book.addEventListener("pointerover", (event) => point(columnOf(event.target)));
  book.addEventListener("pointerleave", () => point(0));
  book.addEventListener("focusin", (event) => {
    const column = columnOf(event.target);
    if (!column) return;
    choose(column);
    if (pane.contains(event.target)) showColumn(column);
    else showLine(column);
  });
  // Who reads has no desk: a cell leads to its history.
  for (const told of document.querySelectorAll("[data-reads]")) told.hidden = false;
  if (table.matches(".read")) table.addEventListener("click", (event) => {
    const td = event.target.closest("td"), at = td && heads[td.cellIndex].dataset.at;
    if (at && !td.matches(".out")) location = `${book.parentNode.dataset.url.replace("/cell/", "/history/")}${at}/${td.parentNode.dataset.pupil}`;
  });
  const fits = lines.length && pinned.length < 2 && heads[0].offsetWidth + box.scrollWidth - heads[lines.length].offsetLeft <= box.clientWidth;
  if (lines.length) showColumn(lines.length, fits && box.scrollWidth);
  return { table, pane, heads, lines, choose, follow(then) { followers.push(then); } };
})();
