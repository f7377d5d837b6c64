// The journal saves cell by cell in the background. Without this script its forms do the same all at once.
//
// What has not arrived waits in this browser's storage: addresses of lessons, row ids, marks and texts of lessons, no
// names; under the account that wrote it, and sent by that account alone. A cell is one entry, so nothing is doubled.
"use strict";
(() => {
  const book = document.querySelector("[data-journal][data-account]");
  if (!book) return;
  const texts = JSON.parse(book.dataset.texts);
  const STORE = `mektep-unsent:${book.dataset.account}:`;
  const AGAIN = [1000, 2000, 5000, 15000];
  const bars = document.querySelectorAll("[data-state]");
  const token = document.querySelector("input[name=form_token]").value;
  const kept = new Map();
  let sending = false, tries = 0, timer = 0, note = "", leads = "", refused = 0, saved = false, why = "";

  // ---- what waits

  for (let i = 0; i < localStorage.length; i++) {
    const key = localStorage.key(i);
    if (!key.startsWith(STORE)) continue;
    try { kept.set(key, JSON.parse(localStorage.getItem(key))); } catch { localStorage.removeItem(key); }
  }
  const keyOf = (cell) => STORE + [cell.url, cell.field, cell.pupil, cell.slot].join("|");
  function keep(key, entry) {
    kept.set(key, entry);
    try { localStorage.setItem(key, JSON.stringify(entry)); } catch { /* full or forbidden: it waits in the page */ }
  }
  function drop(key) {
    kept.delete(key);
    try { localStorage.removeItem(key); } catch { /* it was not kept */ }
  }
  const value = (id) => (document.getElementById(id) || {}).value || "";

  // Someone entered a value; `base` is what the school is known to hold.
  function enter(cell, wanted) {
    const key = keyOf(cell), waits = kept.get(key);
    if (!waits && wanted === cell.base) { page.show(cell, wanted, ""); return; }
    const entry = waits || { ...cell, seen: [cell.base] };
    if (waits && entry.tried && !entry.seen.includes(entry.value)) entry.seen.push(entry.value);
    Object.assign(entry, { value: wanted, kind: (entry.slot === "1" && value("kind-1")) || value("kind"), reason: value("reason"), tried: false, clash: null, asks: "" });
    keep(key, entry);
    page.show(entry, wanted, "waiting");
    tell();
    send();
  }

  // ---- sending, one at a time

  const next = () => [...kept].find(([, entry]) => !entry.clash && !entry.asks);
  async function send() {
    const found = next();
    if (sending || !found) return;
    clearTimeout(timer);
    sending = true;
    const [key, entry] = found, sent = entry.value;
    keep(key, { ...entry, tried: true });
    let answer = null, told = {};
    const patience = new AbortController(), end = setTimeout(() => patience.abort(), 15000);
    try {
      answer = await fetch(entry.url, { method: "POST", body: body(entry), headers: { Accept: "application/json", "X-Form-Token": token }, redirect: "error", signal: patience.signal });
      told = await answer.json();
    } catch { answer = null; }
    clearTimeout(end);
    sending = false;
    settle(key, sent, answer ? answer.status : 0, told);
    tell();
  }
  function body(entry) {
    const form = new URLSearchParams();
    for (const name of ["field", "pupil", "slot", "value", "kind", "reason"]) form.append(name, entry[name] ?? "");
    for (const seen of entry.seen) form.append("seen", seen);
    return form;
  }
  function settle(key, sent, status, told) {
    const entry = kept.get(key);
    note = "";
    if (status === 200) {
      tries = 0;
      saved = true;
      page.base(entry, sent, told);
      if (entry.value === sent) {
        drop(key);
        page.show(entry, sent, "saved");
      } else keep(key, { ...entry, seen: [sent], tried: false });
    } else if (status === 409 && told.error === "changed_meanwhile") {
      keep(key, { ...entry, clash: { current: told.current, author: told.author }, tried: false });
      page.show(kept.get(key), entry.value, "refused");
      ask(key);
    } else if (status === 401 || (status === 403 && told.error === "form_expired")) {
      note = texts.sign_in;
      leads = status === 401 ? book.dataset.signIn : location.href;
      return later();
    } else if (status === 0 || status >= 500 || status === 429) {
      note = texts.offline;
      return later();
    } else if (told.error === "reason_needed") {
      // It waits for the reason, here or on the page of its lesson.
      keep(key, { ...entry, asks: told.sentence, tried: false });
      page.show(entry, entry.value, "refused", told.sentence);
      if (page.here(entry)) page.reason();
      else elsewhere(entry, told.sentence);
    } else {
      drop(key);
      refused += 1;
      why = told.sentence || "";
      page.show(entry, entry.value, told.error === "term_locked" ? "locked" : "refused", told.sentence || "");
    }
    send();
  }
  document.addEventListener("change", (event) => {
    const reason = event.target.id === "reason" && event.target.value.trim();
    if (!reason) return;
    for (const [key, entry] of [...kept]) {
      if (!entry.asks || !page.here(entry)) continue;
      keep(key, { ...entry, asks: "", reason });
      page.show(entry, entry.value, "waiting");
    }
    tell();
    send();
  });
  // Another tab of this browser has sent what waited, or written something new.
  addEventListener("storage", (event) => {
    if (!event.key || !event.key.startsWith(STORE)) return;
    if (event.newValue) kept.set(event.key, JSON.parse(event.newValue));
    else kept.delete(event.key);
    tell();
  });
  function later() {
    timer = setTimeout(send, AGAIN[Math.min(tries++, AGAIN.length - 1)]);
  }
  addEventListener("online", () => { tries = 0; send(); });

  // Two wrote into one cell: one of the values is chosen.
  function decide(key, mine) {
    const entry = kept.get(key), current = entry.clash.current;
    if (mine) {
      keep(key, { ...entry, seen: [current], clash: null, tried: false });
      page.show(entry, entry.value, "waiting");
      send();
    } else {
      drop(key);
      page.base(entry, current, {});
      page.show(entry, current, "");
    }
    tell();
  }
  function tell() {
    const asks = [...kept.values()].filter((entry) => entry.clash || entry.asks).length, waiting = kept.size - asks;
    const parts = [];
    if (waiting) parts.push(`${texts.waiting}: ${waiting}`);
    if (refused || asks) parts.push(`${texts.refused}: ${refused + asks}`, ...[why].filter(Boolean));
    if (!parts.length && saved) parts.push(`✓ ${texts.saved}`);
    if (note && note !== texts.sign_in) parts.push(note);
    for (const bar of bars) {
      bar.textContent = parts.join(" · ");
      if (note === texts.sign_in) {
        const link = document.createElement("a");
        link.href = leads;
        link.textContent = note;
        bar.append(" · ", link);
      }
      bar.className = `state ${waiting ? "waiting" : refused || asks ? "refused" : saved ? "saved" : ""}`;
    }
  }
  function ask(key) {
    const entry = kept.get(key), box = question(entry, () => decide(key, true), () => decide(key, false));
    if (page.here(entry)) page.ask(entry, box);
    else elsewhere(entry).append(box);
  }
  // Of a lesson that is not on this page: a line that leads there.
  function elsewhere(entry, told) {
    const line = document.createElement("p"), link = document.createElement("a"), [, day, period] = /([\d-]+)\/(\d+)$/.exec(entry.url);
    link.href = entry.url.replace("/cell/", "/lesson/");
    link.textContent = `${day} · ${period}`;
    line.className = "notice bad gap-below";
    line.append(link, ` ${told || ""}`);
    book.before(line);
    return line;
  }
  function question(entry, mine, theirs) {
    const box = document.createElement("div"), bar = document.createElement("div");
    box.className = "clash";
    box.setAttribute("role", "alert");
    box.append(`${texts.clash} ${entry.clash.current || texts.nothing}${entry.clash.author ? ` (${entry.clash.author})` : ""}`);
    bar.className = "bar";
    for (const [label, then] of [[texts.theirs, theirs], [`${texts.mine}: ${entry.value || texts.nothing}`, mine]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "btn";
      button.textContent = label;
      button.addEventListener("click", () => { box.remove(); then(); });
      bar.append(button);
    }
    box.append(bar);
    return box;
  }
  // What a letter means: those of the school, and the usual ones of three languages.
  const { absent, late } = book.dataset;
  const letters = { ж: "absent", н: "absent", n: "absent", a: "absent", к: "late", о: "late", l: "late", [(absent || "ж").toLowerCase()]: "absent", [(late || "к").toLowerCase()]: "late" };
  const letterOf = (typed) => letters[typed.toLowerCase()];

  // ---- the lesson: a form with a row for every pupil

  function lesson(form) {
    form.classList.add("scripted");
    for (const button of form.querySelectorAll(".without-journal-script")) button.hidden = true;
    const seen = (name) => form.elements[`seen-${name}`];
    const nameOf = (cell) => cell.field === "status" ? `status-${cell.pupil}`
      : cell.field === "mark" ? `mark-${cell.pupil}-${cell.slot}` : cell.field;
    const rowOf = (cell) => cell.pupil ? form.querySelector(`[data-pupil="${cell.pupil}"]`)
      : form.querySelector(`[data-cell="${cell.field}"]`);
    const here = (cell) => cell.url === form.dataset.url;
    function cellOf(name) {
      const [, field, pupil, slot] = /^(\w+)(?:-(\d+))?(?:-(\d+))?$/.exec(name);
      return { url: form.dataset.url, field, pupil: pupil || "", slot: slot || "", base: seen(name).value };
    }
    function put(name, wanted) {
      const control = form.elements[name];
      if (control.type === "checkbox") control.checked = wanted === "1";
      else if (control instanceof RadioNodeList) for (const key of control) key.checked = key.value === wanted;
      else control.value = wanted;
    }
    function current(name) {
      const control = form.elements[name];
      return control.type === "checkbox" ? String(Number(control.checked)) : control.value.trim();
    }
    form.addEventListener("change", (event) => {
      const name = event.target.name;
      if (!name || !seen(name)) return;
      enter(cellOf(name), current(name));
      // Whoever says that attendance was taken has the topic, the homework and who is noted away in sight.
      if (name === "taken" && event.target.checked) {
        for (const text of ["topic", "homework"]) enter(cellOf(text), current(text));
        for (const row of form.querySelectorAll("[data-expected-away]")) enter(cellOf(`status-${row.dataset.pupil}`), current(`status-${row.dataset.pupil}`));
      }
    });
    // A second tap on the chosen key takes it back.
    let chosen = null;
    form.addEventListener("pointerdown", (event) => {
      const key = event.target.closest(".key");
      chosen = key && key.querySelector("input[type=radio]:checked");
    });
    form.addEventListener("click", (event) => {
      if (event.target !== chosen) return;
      chosen = null;
      back(event.target);
    });
    form.addEventListener("keydown", (event) => {
      if (event.target.type !== "radio" || event.ctrlKey || event.altKey || event.metaKey) return;
      if (["Delete", "Backspace"].includes(event.key)) back(event.target);
      else if (wishOf(event.target, event.key)) event.preventDefault();
    });
    // As in the grid a digit chooses the mark, a letter who is away or late, and the next pupil has the focus.
    function wishOf(at, typed) {
      const row = at.closest(".pupil"), named = letterOf(typed), slot = at.closest(".second") ? ".second" : ".marks:not(.second)", kind = named ? ".keys:not(.marks)" : slot;
      const key = row.querySelector(`${kind} input[type=radio][value="${named || CSS.escape(typed)}"]`);
      if (!key || !(named || /^[0-9]$/.test(typed))) return false;
      if (named && key.checked) back(key);
      else {
        put(key.name, key.value);
        enter(cellOf(key.name), current(key.name));
      }
      const below = row.nextElementSibling || row, next = [kind, ".marks"].flatMap((some) => [...below.querySelectorAll(`${some} input[type=radio]`)]).filter((one) => one.offsetParent);
      (next.find((one) => one.checked) || next[0] || at).focus();
      return true;
    }
    function back(key) {
      put(key.name, key.name.startsWith("status") ? "present" : "");
      enter(cellOf(key.name), current(key.name));
    }
    form.addEventListener("submit", (event) => event.preventDefault());
    // On a phone the sign stands alone and its word is heard.
    function word(text) {
      const one = document.createElement("span");
      one.className = "word";
      one.textContent = text;
      return one;
    }
    // Each mark with its kind of work.
    function telling(cell, line) {
      const told = [0, 1].map((slot) => {
        const mark = current(`mark-${cell.pupil}-${slot}`), kind = form.elements.kind.querySelector(`[value="${cell.kind}"]`);
        if (String(slot) === cell.slot && kind) line.dataset[`kind${slot}`] = kind.textContent;
        return mark && [mark, line.dataset[`kind${slot}`] || ""].join(" ").trim();
      });
      line.textContent = told.filter(Boolean).join(" / ");
    }
    return {
      show(cell, wanted, state, told) {
        if (!here(cell)) return;
        const row = rowOf(cell), line = row.querySelector("[data-told]"), kinds = row.querySelector("[data-kinds]"), old = row.querySelector(".told");
        if (current(nameOf(cell)) !== wanted && document.activeElement !== form.elements[nameOf(cell)]) put(nameOf(cell), wanted);
        if (cell.slot === "1" && wanted) row.querySelector(".two input").checked = true;
        if (kinds && cell.field === "mark" && cell.kind) telling(cell, kinds);
        if (old) old.remove();
        if (!line) return;
        line.className = `state ${state === "locked" ? "refused" : state}`;
        line.textContent = { saved: "✓ ", waiting: "… ", refused: "! ", locked: "! " }[state] || "";
        if (state) line.append(word(texts[state]));
        if (!told) return;
        const why = document.createElement("p");
        why.className = "clash told";
        why.textContent = `! ${told}`;
        row.append(why);
      },
      base(cell, known) { if (here(cell)) seen(nameOf(cell)).value = known; },
      here,
      ask(cell, box) { rowOf(cell).append(box); },
      reason() { const field = document.getElementById("reason"); if (field) field.focus(); },
    };
  }

  // ---- the grid: a table one types into

  function grid(table) {
    const [low, high, threshold, minimum] = ["low", "high", "threshold", "minimum"].map((name) => Number(book.dataset[name]));
    const heads = [...table.tHead.rows[0].cells], rows = [...table.tBodies[0].rows];
    const attribute = { status: "s", comment: "c", mark: { "": "m", 0: "m", 1: "n" } };
    const dataOf = (field, slot) => field === "mark" ? attribute.mark[slot] : attribute[field];
    const said = document.getElementById("comment");
    let typed = "", open = null, hold = 0, last = null, aimed = null;
    const past = [];
    for (const part of document.querySelectorAll("[data-with-script]")) part.hidden = false;
    table.setAttribute("role", "grid");
    for (const row of rows) for (const td of row.cells) if (heads[td.cellIndex].dataset.at && !td.classList.contains("out")) {
      td.tabIndex = -1;
      if (heads[td.cellIndex].hasAttribute("data-locked")) td.setAttribute("aria-readonly", "true");
    }
    const first = rows.map((row) => [...row.querySelectorAll("td[tabindex]")].pop()).find(Boolean);
    if (first) first.tabIndex = 0;
    const box = table.closest(".scroll");
    if (first) box.scrollLeft = first.offsetLeft - first.parentNode.cells[0].offsetWidth - 100;
    const desk = document.querySelector("[data-desk]"), pane = document.querySelector("[data-lines]"), texting = [...desk.querySelectorAll("[data-line-field]")];
    const lines = new Map([...pane.querySelectorAll("[data-line]")].map((row) => [row.dataset.line, row]));
    const urlOf = (td) => book.dataset.url + heads[td.cellIndex].dataset.at;
    const cellOf = (td, field, slot) => {
      const base = td.dataset[`base${dataOf(field, slot)}`] ?? td.dataset[dataOf(field, slot)] ?? (field === "status" ? "present" : "");
      return { url: urlOf(td), field, pupil: td.parentNode.dataset.pupil, slot: field === "mark" ? String(slot) : "", base };
    };
    // Topic and homework stand on the facing page, a line for every lesson.
    const place = { topic: 1, homework: 2 };
    function lineOf(cell) {
      const row = place[cell.field] && cell.url.startsWith(book.dataset.url) && lines.get(cell.url.slice(book.dataset.url.length));
      return row ? row.cells[place[cell.field]] : null;
    }
    const textOf = (at, field) => {
      const td = lines.get(at).cells[place[field]];
      return { url: book.dataset.url + at, field, pupil: "", slot: "", base: td.dataset.base ?? td.textContent };
    };
    const atOf = (td) => heads[td.cellIndex].dataset.at;
    const shut = (td) => heads[td.cellIndex].hasAttribute("data-locked");
    function sign(td, state, told) {
      td.classList.remove("saved", "waiting", "refused", "locked");
      if (state) td.classList.add(state);
      if (told) td.title = told;
      else if (state) td.removeAttribute("title");
      if (td === aimed) saying(td);
    }
    function saying(td) {
      const line = desk.querySelector("[data-cell-state]"), state = ["saved", "waiting", "refused", "locked"].find((one) => td.classList.contains(one));
      line.className = `state ${state === "locked" ? "refused" : state || ""}`;
      line.textContent = shut(td) ? texts.locked : { saved: `✓ ${texts.saved}`, waiting: `… ${texts.waiting}`, refused: `! ${td.title || texts.refused}`, locked: `! ${td.title || texts.locked}` }[state] || "";
    }
    function writing(td) {
      const row = lines.get(atOf(td)), plan = desk.querySelector("[data-planned]");
      for (const box of texting) if (document.activeElement !== box) box.value = row.cells[place[box.dataset.lineField]].textContent;
      for (const box of [said, ...texting]) box.disabled = shut(td);
      plan.hidden = shut(td) || !row.dataset.topic || row.cells[1].textContent !== "";
      plan.lastElementChild.textContent = row.dataset.topic || "";
    }
    function tdOf(cell) {
      const row = rows.find((one) => one.dataset.pupil === cell.pupil);
      const column = heads.findIndex((head) => head.dataset.at && book.dataset.url + head.dataset.at === cell.url);
      return row && column > 0 && attribute[cell.field] ? row.cells[column] : null;
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
      reckon(td.parentNode);
    }
    // Average and proposed mark as one types, by the rule of shared/grading.py, in whole numbers.
    function reckon(row) {
      let sum = 0, weights = 0, count = 0;
      for (const td of row.cells) for (const [value, weight] of [[td.dataset.m, td.dataset.w], [td.dataset.n, td.dataset.v]]) {
        const heavy = Number(weight ?? 1);
        if (!value || !heavy) continue;
        sum += Number(value) * heavy;
        weights += heavy;
        count += 1;
      }
      const hundredths = weights ? Math.floor((200 * sum + weights) / (2 * weights)) : 0, whole = weights ? Math.floor(sum / weights) : 0;
      const up = weights && (sum - whole * weights) * 100 >= threshold * weights ? 1 : 0;
      row.querySelector("[data-average]").textContent = weights ? `${Math.floor(hundredths / 100)}${book.dataset.decimal}${String(hundredths % 100).padStart(2, "0")}` : "—";
      row.querySelector("[data-proposed]").textContent = weights && count >= minimum ? whole + up : texts.na;
    }
    for (const row of rows) reckon(row);
    function weigh(td, slot) {
      const kind = document.getElementById("kind");
      if (kind) td.dataset[slot ? "v" : "w"] = kind.selectedOptions[0].dataset.weight;
    }
    function set(td, field, slot, wanted) {
      if (field === "mark") weigh(td, slot);
      enter(cellOf(td, field, slot), wanted);
    }
    const valueOf = (td) => ({ m: td.dataset.m || "", n: td.dataset.n || "", s: td.dataset.s || "present" });
    function go(td, down, right) {
      let row = rows.indexOf(td.parentNode), column = td.cellIndex, to = td;
      do {
        row += down;
        column += right;
        to = rows[row] && rows[row].cells[column];
      } while (to && to.classList.contains("out"));
      if (to && heads[column].dataset.at) enterCell(to);
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
      const head = heads[td.cellIndex], link = desk.querySelector("[data-history]"), row = lines.get(head.dataset.at);
      aimed = td;
      desk.hidden = false;
      desk.querySelector("[data-late-reason]").hidden = !head.hasAttribute("data-old");
      link.href = `${link.dataset.address}${head.dataset.at}/${td.parentNode.dataset.pupil}`;
      link.textContent = `${td.parentNode.cells[0].textContent.trim()} · ${head.querySelector("a").textContent}`;
      said.value = td.dataset.c || "";
      saying(td);
      writing(td);
      for (const one of lines.values()) one.removeAttribute("aria-current");
      row.setAttribute("aria-current", "true");
      pane.scrollTop += row.getBoundingClientRect().top - pane.getBoundingClientRect().top - pane.clientHeight / 3;
    });
    said.addEventListener("change", () => { if (aimed) set(aimed, "comment", "", said.value.trim()); });
    for (const box of texting) box.addEventListener("change", () => enter(textOf(atOf(aimed), box.dataset.lineField), box.value.trim()));
    desk.querySelector("[data-planned]").addEventListener("click", () => {
      const at = atOf(aimed), row = lines.get(at);
      enter(textOf(at, "topic"), row.dataset.topic);
      if (row.dataset.homework && !row.cells[2].textContent) enter(textOf(at, "homework"), row.dataset.homework);
      aimed.focus();
    });
    table.addEventListener("paste", (event) => {
      if (event.target.tagName !== "TD") return;
      event.preventDefault();
      preview(planOf(event.target, event.clipboardData.getData("text/plain")));
    });
    // What a pasted block would do, cell by cell. Empty fields leave their cells alone.
    function planOf(from, text) {
      const plan = [];
      text.replace(/\r/g, "").replace(/\n$/, "").split("\n").forEach((line, down) => line.split("\t").forEach((field, right) => {
        const row = rows[rows.indexOf(from.parentNode) + down], td = row && row.cells[from.cellIndex + right], wish = field.trim();
        if (!wish) return;
        const head = td && heads[td.cellIndex], one = { td, wish, row, head };
        plan.push(one);
        if (!td || !head.dataset.at || td.classList.contains("out")) { one.bad = texts.paste_outside; return; }
        if (shut(td)) { one.bad = texts.locked; return; }
        one.to = { m: "", n: "", s: "present" };
        for (const word of wish.toLowerCase().split(/\s+/)) {
          const marks = /^(\d+)(?:\/(\d+))?$/.exec(word);
          if (letterOf(word)) one.to.s = letterOf(word);
          else if (!marks) one.bad = texts.paste_word;
          else if (marks.slice(1).some((mark) => mark && (Number(mark) < low || Number(mark) > high))) one.bad = texts.paste_scale;
          else Object.assign(one.to, { m: String(Number(marks[1])), n: marks[2] ? String(Number(marks[2])) : "" });
        }
        const now = valueOf(td);
        one.same = now.m === one.to.m && now.n === one.to.n && now.s === one.to.s;
        if (!one.bad && !one.same && head.hasAttribute("data-old") && !value("reason")) one.bad = texts.paste_late;
      }));
      return plan;
    }
    function preview(plan) {
      const box = document.createElement("dialog"), list = document.createElement("ul"), bar = document.createElement("div"), heading = document.createElement("h2");
      const good = plan.filter((one) => !one.bad && !one.same);
      heading.textContent = texts.paste;
      list.className = "notes";
      for (const one of plan) {
        const line = document.createElement("li"), where = [one.row && one.row.cells[0].textContent.trim(), one.head && (one.head.querySelector("a") || one.head).textContent].filter(Boolean).join(" · ");
        line.className = one.bad ? "clash" : "";
        line.textContent = `${where}: ${one.bad ? `! ${one.wish}: ${one.bad}` : one.same ? `${one.wish}: ${texts.paste_same}` : `${one.td.textContent.trim() || texts.nothing} → ${one.wish}`}`;
        list.append(line);
      }
      bar.className = "bar";
      for (const [label, then] of [[`${texts.paste_write}: ${good.length}`, () => { remember(good.map((one) => one.td)); for (const one of good) restore(one.td, one.to); }], [texts.paste_cancel, () => {}]]) {
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
    table.addEventListener("keydown", (event) => {
      const td = event.target, key = event.key;
      if (td.tagName !== "TD" || event.ctrlKey || event.altKey || event.metaKey) return;
      const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Enter: [event.shiftKey ? -1 : 1, 0] };
      if (!/^[0-9]$/.test(key) && key !== "Escape") commit();
      if (moves[key]) {
        last = null;
        go(td, ...moves[key]);
      } else if (key === "Escape") takeBack();
      else if (shut(td)) return;
      else if (/^[0-9]$/.test(key) && high) digit(td, key);
      else if (key === "/" && high) second(td);
      else if (letterOf(key)) {
        const status = letterOf(key);
        remember([td]);
        set(td, "status", "", td.dataset.s === status ? "present" : status);
        go(td, 1, 0);
      } else if (key === "Delete" || key === "Backspace") {
        remember([td]);
        restore(td, { m: "", n: "", s: "present" });
      } else return;
      event.preventDefault();
    });
    // What was entered last is taken back first, a pasted block as one; the focus goes there.
    const remember = (cells) => past.push(cells.map((td) => [td, valueOf(td)]));
    function takeBack() {
      open = null;
      const step = past.pop() || [];
      for (const [td, was] of step) restore(td, was);
      if (step.length) enterCell(step[0][0]);
    }
    // A digit goes on to the next pupil once no longer value is possible; until then it is not written, for a moment.
    function digit(td, key) {
      const slot = last && last.second === td ? 1 : 0, name = slot ? "n" : "m";
      typed += key;
      if (Number(typed) > high) typed = key;
      if (typed.length === 1) remember([td]);
      clearTimeout(hold);
      open = null;
      last = { td };
      if (Number(typed) * 10 > high || Number(typed) === 0) {
        set(td, "mark", slot, typed);
        go(td, 1, 0);
        return;
      }
      td.dataset[`base${name}`] ??= td.dataset[name] ?? "";
      td.dataset[name] = typed;
      weigh(td, slot);
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
    function restore(td, to) {
      const now = valueOf(td);
      if (now.m !== to.m) set(td, "mark", 0, to.m);
      if (now.n !== to.n) set(td, "mark", 1, to.n);
      if (now.s !== to.s) set(td, "status", "", to.s);
      typed = "";
    }
    return {
      show(cell, wanted, state, told) {
        const td = tdOf(cell), line = lineOf(cell);
        if (line) {
          line.textContent = wanted;
          sign(line, state, told);
          if (aimed && lines.get(atOf(aimed)) === line.parentNode) writing(aimed);
        }
        if (!td) return;
        td.dataset[dataOf(cell.field, cell.slot)] = wanted;
        draw(td);
        sign(td, state, told);
      },
      base(cell, known, told) {
        const td = tdOf(cell), line = lineOf(cell);
        if (line) line.dataset.base = known;
        if (!td) return;
        const name = dataOf(cell.field, cell.slot), old = td.dataset[`base${name}`] ?? cell.base;
        td.dataset[`base${name}`] = known;
        if (told.saved && cell.field !== "comment" && heads[td.cellIndex].hasAttribute("data-old") && old && old !== "present" && old !== known) td.dataset.was = [td.dataset.was, { absent, late }[old] || old].filter(Boolean).join(" ");
      },
      here(cell) { return Boolean(tdOf(cell) || lineOf(cell)); },
      ask(cell, box) {
        const row = cell.pupil && rows.find((one) => one.dataset.pupil === cell.pupil), where = heads.find((head) => head.dataset.at && book.dataset.url + head.dataset.at === cell.url);
        box.prepend([row && row.cells[0].textContent.trim(), where.querySelector("a").textContent].filter(Boolean).join(" · "), ": ");
        book.prepend(box);
      },
      reason() { const field = desk.querySelector("[data-late-reason]"); desk.hidden = field.hidden = false; field.querySelector("input").focus(); },
    };
  }

  // ---- any other page of the journal: what waits is sent from there too

  const outbox = { here: () => false, show() {}, base() {}, ask() {}, reason() {} };

  const page = book.tagName === "FORM" ? lesson(book) : book.querySelector("table") ? grid(book.querySelector("table")) : outbox;
  for (const [key, entry] of kept) {
    page.show(entry, entry.value, entry.clash || entry.asks ? "refused" : "waiting", entry.asks);
    if (entry.clash) ask(key);
    else if (entry.asks && !page.here(entry)) elsewhere(entry, entry.asks);
  }
  tell();
  send();
})();
