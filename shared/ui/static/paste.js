// A block copied from a spreadsheet: what it would do is shown cell by cell before anything is written.
"use strict";
// Empty fields leave their cells alone. `wishOf` tells what a word asks of a cell, or why it cannot be.
function pastePlan(rows, heads, from, text, wishOf) {
  const plan = [];
  text.replace(/\r/g, "").replace(/\n$/, "").split("\n").forEach((line, down) => line.split("\t").forEach((field, right) => {
    const row = rows[rows.indexOf(from.parentNode) + down], td = row && row.cells[from.cellIndex + right], wish = field.trim();
    if (wish) plan.push({ td, wish, row, head: td && heads[td.cellIndex], ...wishOf(td, wish) });
  }));
  return plan;
}
function pastePreview(plan, texts, write) {
  const box = document.createElement("dialog"), list = document.createElement("ul"), bar = document.createElement("div"), heading = document.createElement("h2");
  const good = plan.filter((one) => !one.bad && !one.same);
  heading.textContent = texts.paste;
  list.className = "notes";
  for (const one of plan) {
    const line = document.createElement("li"), where = [one.row && one.row.cells[0].textContent.trim(), one.head && (one.head.querySelector("a") || one.head).textContent].filter(Boolean).join(" · ");
    line.className = one.bad ? "clash" : "";
    line.textContent = `${where}: ${one.bad ? `! ${one.wish}: ${one.bad}` : one.same ? `${one.wish}: ${texts.paste_same}` : `${one.td.textContent.trim() || texts.nothing} → ${one.wish}${one.meant && ` (${one.meant})`}`}`;
    list.append(line);
  }
  bar.className = "bar";
  for (const [label, then] of [[`${texts.paste_write}: ${good.length}`, () => write(good)], [texts.paste_cancel, () => {}]]) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn";
    button.textContent = label;
    button.addEventListener("click", () => { box.close(); then(); });
    bar.append(button);
  }
  if (!good.length) bar.firstChild.remove();
  box.className = "card pad";
  box.setAttribute("aria-labelledby", heading.id = "paste-heading");
  box.append(heading, list, bar);
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
}
