// A term in the journal: a table one types into.
"use strict";
(() => {
  if (!outbox || !facing) return;
  const { book, texts, value, enter, absent, late, gives, letterOf, spell, tellSign } = outbox, { table, heads } = facing;
  const [low, high, threshold, minimum] = ["low", "high", "threshold", "minimum"].map((name) => Number(book.dataset[name]));
  const rows = [...table.tBodies[0].rows], links = heads.map((head) => head.querySelector("a"));
  const attribute = { status: "s", comment: "c", mark: { "": "m", 0: "m", 1: "n" } };
  const weightOf = { m: "w", n: "v" }, kindOf = { m: "k", n: "l" };
  const dataOf = (field, slot) => field === "mark" ? attribute.mark[slot] : attribute[field];
  const said = document.getElementById("comment");
  let typed = "", open = null, hold = 0, last = null, aimed = null;
  const past = [];
  for (const part of document.querySelectorAll("[data-with-script]")) part.hidden = false;
  table.setAttribute("role", "grid");
  for (const row of rows) for (const td of row.cells) if (heads[td.cellIndex].dataset.at && !td.classList.contains("out")) {
    td.tabIndex = -1;
    // A mark that stands alone is told by the text of its cell.
    if (!td.dataset.m && /^\d+$/.test(td.textContent)) td.dataset.m = td.textContent;
    if (heads[td.cellIndex].hasAttribute("data-locked")) td.setAttribute("aria-readonly", "true");
  }
  const first = rows.map((row) => [...row.querySelectorAll("td[tabindex]")].pop()).find(Boolean);
  if (first) first.tabIndex = 0;
  // The dates above are reached from the first row, so that Tab does not go through all of them.
  for (const link of links) if (link) link.tabIndex = -1;
  // Nor through all averages: one comes to them from the last lesson of a row.
  const averages = rows.map((row) => row.querySelector("[data-average] a"));
  for (const link of averages) if (link) link.tabIndex = -1;
  const desk = document.querySelector("[data-desk]"), taken = desk.querySelector("[data-taken]");
  const urlOf = (td) => book.dataset.url + heads[td.cellIndex].dataset.at;
  const cellOf = (td, field, slot) => {
    const base = td.dataset[`base${dataOf(field, slot)}`] ?? td.dataset[dataOf(field, slot)] ?? (field === "status" ? "present" : "");
    return { url: urlOf(td), field, pupil: td.parentNode.dataset.pupil, slot: field === "mark" ? String(slot) : "", base };
  };
  const shut = (td) => heads[td.cellIndex].hasAttribute("data-locked");
  function sign(td, state) {
    td.classList.remove("saved", "waiting", "refused", "locked");
    if (state) td.classList.add(state);
    if (td === aimed) saying(td);
  }
  function saying(td) {
    const line = desk.querySelector("[data-cell-state]");
    tellSign(line, ["saved", "waiting", "refused", "locked"].find((one) => td.classList.contains(one)));
    const both = td.dataset.s === "absent" && td.dataset.m && !shut(td) ? ` ${texts.absent_marked}` : "";
    if (shut(td)) line.textContent = texts.locked;
    else if (td.dataset.x && !line.textContent) line.textContent = `! ${td.title}`;
    line.append(both);
    if (!swap) return;
    const back = document.createElement("button"), key = document.createElement("span");
    back.type = "button";
    back.className = "btn";
    back.textContent = texts.undo;
    key.className = "by-keys";
    key.textContent = " (Esc)";
    back.append(key);
    back.addEventListener("click", takeBack);
    line.append(` ${swap} `, back);
  }
  // What is refused before anything is written, and what took the place of what: said where one looks.
  let swap = "", swapped = null, tapped = [null, 0];
  function refuse(told) {
    const line = desk.querySelector("[data-cell-state]");
    tellSign(line, "refused");
    line.lastChild.textContent = told;
  }
  function replaced(td, was, now) {
    swapped = td;
    if (was && was !== now) swap = `${td.parentNode.cells[0].textContent.trim()}: ${was} → ${now || texts.nothing}`;
  }
  // A mark keeps its kind of work, a new one is of that of the lesson's other marks; one chosen by hand goes before, in
  // the lesson into which one writes next.
  const kinds = document.getElementById("kind");
  let byHand = "", lesson = 0;
  if (kinds) kinds.addEventListener("change", () => { byHand = kinds.value; lesson = 0; });
  const chosenFor = (td) => !lesson || lesson === td.cellIndex ? byHand : "";
  const usualOf = (td) => kinds ? heads[td.cellIndex].dataset.kind || kinds.options[0].value : "";
  const kindIn = (td, name) => td.dataset[name] ? td.dataset[kindOf[name]] ?? heads[td.cellIndex].dataset.kind ?? "" : "";
  const optionOf = (kind) => kinds && kind && kinds.querySelector(`[value="${kind}"]`);
  // Attendance of the lesson of a column: taken, unless the dot in its head says otherwise.
  const dotOf = (head) => head.querySelector(".dot:not([hidden])");
  for (const head of heads) if (head.dataset.at) head.dataset.base = dotOf(head) ? "0" : "1";
  function tick(head) {
    taken.checked = !dotOf(head);
    taken.disabled = head.hasAttribute("data-locked");
    tellSign(desk.querySelector("[data-taken-state]"), head.dataset.state);
  }
  function showTaken(head, wanted, state) {
    const dot = head.querySelector(".dot") || document.createElement("span");
    dot.className = "dot";
    head.append(dot);
    dot.hidden = wanted === "1";
    head.dataset.state = state;
    if (aimed && heads[aimed.cellIndex] === head) tick(head);
  }
  // Whom a note expects away stands there in brackets until attendance is taken.
  const empty = (td) => !(td.classList.contains("out") || td.dataset.m || td.dataset.n || td.dataset.s);
  const expected = (head) => rows.filter((row) => (head.dataset.away || "").split(" ").includes(row.dataset.pupil)).map((row) => row.cells[head.cellIndex]).filter(empty);
  for (const head of heads) for (const td of expected(head)) td.dataset.noted = `(${absent})`;
  taken.addEventListener("change", () => {
    const column = aimed.cellIndex, head = heads[column];
    enter({ url: urlOf(aimed), field: "taken", pupil: "", slot: "", base: head.dataset.base }, String(Number(taken.checked)));
    if (!taken.checked) return;
    topics.take(column);
    for (const td of expected(head)) setStatus(td, "absent");
  });
  const headOf = (cell) => heads.find((head) => head.dataset.at && book.dataset.url + head.dataset.at === cell.url);
  function tdOf(cell) {
    const row = rows.find((one) => one.dataset.pupil === cell.pupil), head = headOf(cell);
    return row && head && attribute[cell.field] ? row.cells[head.cellIndex] : null;
  }
  function draw(td) {
    const letter = { absent, late }[td.dataset.s] || "", marks = [td.dataset.m, td.dataset.n].filter(Boolean).join("/");
    td.textContent = [letter, marks].filter(Boolean).join(" ");
    if (td.dataset.was) {
      const old = document.createElement("s");
      old.textContent = td.dataset.was;
      td.prepend(old, " ");
    }
    td.classList.toggle("absent", td.dataset.s === "absent");
    td.classList.toggle("outside", Boolean(td.dataset.x));
    reckon(td.parentNode);
  }
  // After the edit window what stood stays to be read, with the reason.
  function struck(td, name, old, between, reason) {
    td.dataset[name] = [td.dataset[name], old].filter(Boolean).join(between);
    td.title = [td.title, reason].filter(Boolean).join("; ");
  }
  // Average and proposed mark as one types, by the rule of shared/grading.py, in whole numbers.
  function reckon(row) {
    // What was refused, or asks, does not stand in the journal; till it does what stood there counts.
    const counts = (td, name, weight) => td.dataset[`no${name}`] ? [td.dataset[`base${name}`], td.dataset[`base${weight}`]] : [td.dataset[name], td.dataset[weight]];
    let [sum, weights, count] = (row.dataset.brought || "0 0 0").split(" ").map(Number);
    for (const td of row.cells) for (const [value, weight] of [counts(td, "m", "w"), counts(td, "n", "v")]) {
      const heavy = Number(weight ?? 1);
      if (!value || !heavy) continue;
      sum += Number(value) * heavy;
      weights += heavy;
      count += 1;
    }
    const hundredths = weights ? Math.floor((200 * sum + weights) / (2 * weights)) : 0, whole = weights ? Math.floor(sum / weights) : 0;
    const up = weights && (sum - whole * weights) * 100 >= threshold * weights ? 1 : 0;
    const average = row.querySelector("[data-average]");
    (average.firstElementChild || average).textContent = weights ? `${Math.floor(hundredths / 100)}${book.dataset.decimal}${String(hundredths % 100).padStart(2, "0")}` : "—";
    row.querySelector("[data-proposed]").textContent = weights && count >= minimum ? whole + up : texts.na;
  }
  for (const row of rows) reckon(row);
  // A mark that is being written is of a kind, and weighs as that does.
  function weigh(td, name, kind) {
    const weight = weightOf[name], option = optionOf(kind);
    td.dataset[`base${weight}`] ??= td.dataset[weight] ?? "1";
    td.dataset[`base${kindOf[name]}`] ??= kindIn(td, name);
    if (!option) return;
    td.dataset[kindOf[name]] = kind;
    td.dataset[weight] = option.dataset.weight;
  }
  // Whatever stood outside the scale weighed nothing; what is written now is on it.
  function onScale(td, slot) {
    if (!td.dataset.x) return;
    td.dataset.x = td.dataset.x.replace(slot, "");
    if (!td.dataset.x) td.removeAttribute("title");
  }
  function setStatus(td, status, why = "") { enter({ ...cellOf(td, "status", ""), why: gives ? why : "" }, status); }
  function set(td, field, slot, wanted, kind) {
    const cell = cellOf(td, field, slot);
    if (field === "mark") {
      const name = dataOf(field, slot), chosen = chosenFor(td);
      if (chosen && kind === undefined) lesson = td.cellIndex;
      onScale(td, slot);
      Object.assign(cell, { kind: kind ?? chosen, usual: chosen || usualOf(td), of: td.dataset[`base${kindOf[name]}`] ?? kindIn(td, name) });
    }
    enter(cell, wanted);
  }
  const valueOf = (td) => ({ m: td.dataset.m || "", n: td.dataset.n || "", s: td.dataset.s || "present", k: kindIn(td, "m"), l: kindIn(td, "n") });
  function go(td, down, right) {
    let row = rows.indexOf(td.parentNode), column = td.cellIndex, to = td;
    do {
      row += down;
      column += right;
      to = rows[row] && rows[row].cells[column];
    } while (to && to.classList.contains("out"));
    if (to && heads[column].dataset.at) enterCell(to);
    else if (row < 0) links[column].focus();
    else if (to && averages[row]) averages[row].focus();
  }
  function enterCell(to) {
    for (const one of table.querySelectorAll("td[tabindex='0']")) one.tabIndex = -1;
    to.tabIndex = 0;
    to.focus();
  }
  table.addEventListener("focusin", (event) => {
    const td = event.target;
    if (td.tagName !== "TD") return;
    typed = "";
    for (const one of table.querySelectorAll("td[tabindex='0']")) if (one !== td) one.tabIndex = -1;
    td.tabIndex = 0;
    const head = heads[td.cellIndex], link = desk.querySelector("[data-history]");
    if (aimed) aimed.classList.remove("aimed");
    aimed = td;
    td.classList.add("aimed");
    strike(false);
    for (const button of desk.querySelectorAll("[data-press]")) button.disabled = shut(td);
    tick(head);
    if (!chosenFor(td)) byHand = "";
    if (kinds && !byHand) kinds.value = optionOf(kindIn(td, "m")) ? kindIn(td, "m") : usualOf(td);
    desk.querySelector("[data-lesson]").href = `${head.querySelector("a").href}#pupil-${td.parentNode.dataset.pupil}`;
    desk.hidden = false;
    td.scrollIntoView({ block: "nearest", inline: "nearest" });
    desk.querySelector("[data-late-reason]").hidden = !head.hasAttribute("data-old");
    link.href = `${link.dataset.address}${head.dataset.at}/${td.parentNode.dataset.pupil}`;
    link.textContent = `${td.parentNode.cells[0].textContent.trim()} · ${head.querySelector("a").textContent}`;
    said.value = td.dataset.c || "";
    said.disabled = shut(td);
    desk.querySelector("[data-cell-state]").style.minHeight = "";
    saying(td);
    outbox.offer();
  });
  said.addEventListener("change", () => { if (aimed) set(aimed, "comment", "", said.value.trim()); });
  table.addEventListener("paste", (event) => {
    if (event.target.tagName !== "TD") return;
    event.preventDefault();
    pastePreview(pastePlan(rows, heads, event.target, event.clipboardData.getData("text/plain"), wishOf), texts, (good) => {
      remember(good.map((one) => one.td));
      for (const one of good) restore(one.td, one.to);
    });
  });
  // What a pasted word asks of a cell, or why it cannot be.
  function wishOf(td, wish) {
    const head = td && heads[td.cellIndex], to = { m: "", n: "", s: "present", why: "" };
    let bad = "", meant = "";
    if (!td || !head.dataset.at || td.classList.contains("out")) return { bad: texts.paste_outside };
    if (shut(td)) return { bad: texts.locked };
    for (const word of wish.toLowerCase().split(/\s+/)) {
      const marks = /^(\d+)(?:\/(\d+))?$/.exec(word), letter = letterOf(word);
      if (letter) [to.s, to.why, meant] = [letter.status, letter.why, letter.told];
      else if (!marks) bad = texts.paste_word;
      else if (marks.slice(1).some((mark) => mark && (Number(mark) < low || Number(mark) > high))) bad = texts.paste_scale;
      else Object.assign(to, { m: String(Number(marks[1])), n: marks[2] ? String(Number(marks[2])) : "" });
    }
    const now = valueOf(td), alike = now.s === to.s && [0, 1].every((slot) => !changes(td, slot, to));
    if (!bad && !alike && head.hasAttribute("data-old") && !value("reason")) bad = texts.paste_late;
    return { to, bad, meant, same: alike && !(gives && to.why) };
  }
  table.addEventListener("keydown", (event) => {
    const td = event.target, key = event.key;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const letter = spell(td, key);
    if (key !== "/" && key !== "Shift") swap = "";
    if (links.includes(td)) { among(td, key, event); return; }
    if (averages.includes(td)) { beside(td, key, event); return; }
    if (td.tagName !== "TD") return;
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Enter: [event.shiftKey ? -1 : 1, 0] };
    if (!/^[0-9]$/.test(key) && key !== "Escape") commit();
    if (moves[key]) {
      last = null;
      go(td, ...moves[key]);
    } else if (key === "Escape") takeBack();
    else if (shut(td)) return;
    else if (/^[0-9]$/.test(key) && high) digit(td, key);
    else if (key === "/" && high) second(td);
    else if (letter) {
      if (letter.status) write(letter);
    } else if (key === "Delete" || key === "Backspace") {
      remember([td]);
      restore(td, { m: "", n: "", s: "present" });
    } else {
      if (key.length === 1 && key !== " ") refuse(`${key}: ${texts.paste_word}`);
      return;
    }
    event.preventDefault();
  });
  // A second letter takes the first back; one that tells a reason says it of who is away already.
  const turn = (td, { status, why }) => setStatus(td, td.dataset.s === status && !why ? "present" : status, why);
  function write(letter) {
    const { at: td, why, told } = letter;
    if (!letter.amends) remember([td]);
    turn(td, letter);
    swapped = td;
    if (why) swap = `${td.parentNode.cells[0].textContent.trim()}: ${told}`;
    if (letter.goes) go(td, 1, 0);
    if (aimed) saying(aimed);
  }
  // Buttons for fingers: each does what its key does, in the chosen cell, which stays chosen.
  let stroke = false;
  function strike(on) {
    const slash = desk.querySelector("[data-press='/']");
    stroke = on;
    if (slash) slash.setAttribute("aria-pressed", String(on));
  }
  desk.addEventListener("click", (event) => {
    const button = event.target.closest("[data-press]"), td = aimed;
    if (event.target.closest("[data-away]")) {
      desk.hidden = true;
      td.classList.remove("aimed");
    }
    if (!button) return;
    const key = button.dataset.press, name = stroke ? "n" : "m";
    if (key === "/") return strike(!stroke && Boolean(td.dataset.m));
    // A finger that taps twice means it once.
    const twice = tapped[0] === button && event.timeStamp - tapped[1] < 400;
    tapped = [button, event.timeStamp];
    if (twice) return;
    swap = "";
    remember([td]);
    const was = td.textContent;
    if (key === "Delete") restore(td, { m: "", n: "", s: "present" });
    else if (["absent", "late"].includes(key)) turn(td, { status: key });
    else set(td, "mark", stroke ? 1 : 0, td.dataset[name] === key && !otherKind(td, name) ? "" : key);
    replaced(td, was, td.textContent);
    saying(td);
    strike(false);
  });
  function beside(link, key, event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[key], to = step && averages[averages.indexOf(link) + step];
    if (to) to.focus();
    else if (key === "ArrowLeft") go(link.parentNode, 0, -1);
    else return;
    event.preventDefault();
  }
  function among(link, key, event) {
    const column = links.indexOf(link), step = { ArrowLeft: -1, ArrowRight: 1 }[key], to = step && links[column + step];
    if (to) to.focus();
    else if (key === "ArrowDown") go(heads[column], 1, 0);
    else return;
    event.preventDefault();
  }
  // What was entered last is taken back first, a pasted block as one; the focus goes there.
  const remember = (cells) => past.push(cells.map((td) => [td, valueOf(td)]));
  function takeBack() {
    open = null;
    swap = "";
    const step = past.pop() || [];
    for (const [td, was] of step) restore(td, was);
    if (step.length) enterCell(step[0][0]);
  }
  // A digit goes on to the next pupil once no longer value is possible; until then it is not written, for a moment.
  function digit(td, key) {
    const slot = last && last.second === td ? 1 : 0, name = slot ? "n" : "m";
    typed += key;
    if (Number(typed) > high) typed = key;
    const whole = Number(typed) * 10 > high || Number(typed) === 0;
    if (Number(typed) > high || (whole && Number(typed) < low)) {
      refuse(`${typed}: ${texts.paste_scale} ${low}–${high}`);
      typed = "";
      return;
    }
    const was = td.dataset[name], of = kindIn(td, name);
    if (typed.length === 1) remember([td]);
    clearTimeout(hold);
    open = null;
    last = { td };
    if (whole) {
      set(td, "mark", slot, typed);
      const other = of !== kindIn(td, name) && optionOf(of) ? [of, kindIn(td, name)].map((kind) => ` ${optionOf(kind).textContent}`) : ["", ""];
      replaced(td, was && was + other[0], typed + other[1]);
      go(td, 1, 0);
      if (document.activeElement === td) saying(td);
      return;
    }
    weigh(td, name, chosenFor(td) || of || usualOf(td));
    onScale(td, slot);
    td.dataset[`base${name}`] ??= td.dataset[name] ?? "";
    td.dataset[name] = typed;
    draw(td);
    if (slot) last.second = td;
    open = { td, slot };
    hold = setTimeout(commit, 1500);
  }
  function commit() {
    if (!open) return;
    const { td, slot } = open;
    open = null;
    clearTimeout(hold);
    typed = "";
    set(td, "mark", slot, td.dataset[slot ? "n" : "m"]);
  }
  table.addEventListener("pointerdown", () => { last = null; });
  table.addEventListener("focusout", commit);
  addEventListener("pagehide", commit);
  // 5/4: after the first mark the cell above is meant, if the digit has gone on already.
  function second(td) {
    const back = last && last.td && last.td.dataset.m ? last.td : td;
    if (!back.dataset.m) return;
    if (back !== td) enterCell(back);
    typed = "";
    last = { second: back };
  }
  // Is a mark to be another, or of another kind of work?
  function changes(td, slot, to) {
    const name = attribute.mark[slot], kind = to[kindOf[name]] ?? chosenFor(td);
    return (td.dataset[name] || "") !== to[name] || Boolean(to[name] && kind && kind !== kindIn(td, name));
  }
  const otherKind = (td, name) => Boolean(chosenFor(td)) && chosenFor(td) !== kindIn(td, name);
  function restore(td, to) {
    for (const slot of [0, 1]) if (changes(td, slot, to)) set(td, "mark", slot, to[attribute.mark[slot]], to[kindOf[attribute.mark[slot]]]);
    if (valueOf(td).s !== to.s || (gives && to.why)) setStatus(td, to.s, to.why);
    typed = "";
  }
  outbox.serve({
    show(cell, wanted, state) {
      const td = tdOf(cell), line = topics.tdOf(cell);
      if (line) {
        topics.put(line, wanted);
        sign(line, state);
      }
      if (cell.field === "taken" && headOf(cell)) showTaken(headOf(cell), wanted, state);
      if (!td) return;
      const name = dataOf(cell.field, cell.slot);
      if (cell.field === "mark" && wanted) weigh(td, name, cell.kind || kindIn(td, name) || cell.usual);
      td.dataset[`base${name}`] ??= td.dataset[name] ?? (cell.field === "status" ? "present" : "");
      td.dataset[name] = wanted;
      if (cell.field === "comment") td.removeAttribute("title");
      td.dataset[`no${name}`] = ["refused", "locked"].includes(state) ? "1" : "";
      draw(td);
      // What was to take another's place did not.
      if (swap && td === swapped && td.dataset[`no${name}`]) {
        const line = desk.querySelector("[data-cell-state]");
        line.style.minHeight = `${line.offsetHeight}px`;
        swap = "";
      }
      sign(td, state);
      if (td === swapped && aimed) saying(aimed);
    },
    base(cell, known, told) {
      const td = tdOf(cell), line = topics.tdOf(cell);
      if (line) {
        const was = line.dataset.base;
        line.dataset.base = known;
        if (told.saved && was && was !== known && headOf(cell).hasAttribute("data-old")) struck(line, "struck", was, " · ", cell.reason);
      }
      if (cell.field === "taken" && headOf(cell)) headOf(cell).dataset.base = known;
      if (!td) return;
      const name = dataOf(cell.field, cell.slot), old = td.dataset[`base${name}`] ?? cell.base, kind = kindOf[name], of = td.dataset[`base${kind}`];
      td.dataset[`base${name}`] = known;
      if (cell.field === "mark") {
        if (!cell.kind || cell.kind === told.kind) weigh(td, name, told.kind);
        td.dataset[`base${weightOf[name]}`] = (optionOf(told.kind) || { dataset: {} }).dataset.weight ?? td.dataset[weightOf[name]] ?? "1";
        td.dataset[`base${kind}`] = known && told.kind;
      }
      const other = old !== known || Boolean(of && told.kind && of !== told.kind);
      if (told.saved && cell.field !== "comment" && heads[td.cellIndex].hasAttribute("data-old") && old && old !== "present" && other) struck(td, "was", { absent, late }[old] || old, " ", cell.reason);
    },
    here(cell) { return Boolean(tdOf(cell) || topics.tdOf(cell) || (cell.field === "taken" && headOf(cell))); },
    at(cell) {
      const line = topics.tdOf(cell);
      return line ? line.parentNode.contains(document.activeElement) : Boolean(aimed) && heads[aimed.cellIndex] === headOf(cell) && (!cell.pupil || tdOf(cell) === aimed);
    },
    nameOf(cell) {
      const row = rows.find((one) => one.dataset.pupil === cell.pupil);
      return [row ? row.cells[0].textContent.trim() : texts[cell.field], headOf(cell).querySelector("a").textContent].join(" · ");
    },
    go(cell, write) {
      const line = topics.tdOf(cell), td = tdOf(cell) || rows.map((row) => row.cells[headOf(cell).cellIndex]).find((one) => one.tabIndex >= -1 && !one.classList.contains("out"));
      if (line) (write ? line : line.parentNode.cells[0].firstElementChild).focus();
      else if (td) enterCell(td);
    },
  });
  // What asks lies above the desk, or over the lines beside it, and stays there.
  const tray = document.createElement("div");
  tray.className = "tray";
  desk.before(tray);
  tray.append(outbox.panel, desk);
  facing.choose(heads.filter((head) => head.dataset.at).length);
})();
