// What is entered in the journal is saved cell by cell in the background. Without a script its forms do the same at once.
//
// What has not arrived waits in this browser's storage: addresses of lessons, row ids, marks and texts of lessons, no
// names; under the account that wrote it, and sent by that account alone. A cell is one entry, so nothing is doubled.
// What the node said of an entry can name someone: it stays in the page, and is asked for anew when one comes again.
"use strict";
const outbox = (() => {
  const book = document.querySelector("[data-journal][data-account]");
  if (!book) return null;
  const texts = WORDS;
  const STORE = `mektep-unsent:${book.dataset.account}:`;
  const AGAIN = [1000, 2000, 5000, 15000];
  const bars = document.querySelectorAll("[data-state]");
  const token = document.querySelector("input[name=form_token]").value;
  const kept = new Map(), boxes = new Map(), heard = new Map();
  let sending = false, tries = 0, timer = 0, note = "", refused = 0, saved = false, why = "", shut = false;

  // ---- what waits

  for (let i = 0; i < localStorage.length; i++) {
    const key = localStorage.key(i);
    if (!key.startsWith(STORE)) continue;
    try { kept.set(key, { ...JSON.parse(localStorage.getItem(key)), clash: null, asks: "", named: "" }); } catch { localStorage.removeItem(key); }
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

  // Someone entered a value; `base` is what the school is known to hold, `of` the kind of work of that mark. A mark gets
  // the `kind` that was chosen by hand; without one it keeps its own, and one that is new gets the `usual`.
  function enter(cell, wanted) {
    if (shut) return;
    const key = keyOf(cell), waits = kept.get(key), { kind, usual } = cell;
    if (!waits && wanted === cell.base && (!wanted || !kind || kind === cell.of)) { page.show(cell, wanted, ""); return; }
    const entry = waits || { ...cell, seen: [cell.base] };
    if (waits && entry.tried && !entry.seen.includes(entry.value)) entry.seen.push(entry.value);
    const chosen = kind || (waits && waits.value && waits.kind) || "";
    Object.assign(entry, { value: wanted, kind: chosen, usual, reason: value("reason"), tried: false, clash: null, asks: "", named: "", checked: "" });
    if (boxes.has(key)) boxes.get(key).remove();
    keep(key, entry);
    page.show(entry, wanted, "waiting");
    tell();
    send();
  }

  // ---- sending, one at a time

  const stands = (entry) => entry.clash || entry.asks || entry.named;
  const next = () => [...kept].find(([, entry]) => !stands(entry));
  async function send() {
    const found = next();
    if (sending || shut || !found) return;
    clearTimeout(timer);
    sending = true;
    const [key, entry] = found;
    keep(key, { ...entry, tried: true });
    let answer = null, told = {};
    const patience = new AbortController(), end = setTimeout(() => patience.abort(), 15000);
    try {
      answer = await fetch(entry.url, { method: "POST", body: body(entry), headers: { Accept: "application/json", "X-Form-Token": token }, redirect: "error", signal: patience.signal });
      told = await answer.json();
    } catch { answer = null; }
    clearTimeout(end);
    sending = false;
    settle(key, entry, answer ? answer.status : 0, told);
    tell();
  }
  function body(entry) {
    const form = new URLSearchParams();
    for (const name of ["field", "pupil", "slot", "value", "kind", "usual", "reason"]) form.append(name, entry[name] ?? "");
    if (entry.checked) form.append("names_checked", "1");
    for (const seen of entry.seen) form.append("seen", seen);
    return form;
  }
  function settle(key, sent, status, told) {
    const entry = kept.get(key);
    note = "";
    if (status === 200) {
      tries = 0;
      saved = true;
      page.base(entry, sent.value, told);
      if (entry.value === sent.value && entry.kind === sent.kind) {
        drop(key);
        page.show(entry, sent.value, "saved");
      } else keep(key, { ...entry, seen: [sent.value], tried: false });
    } else if (status === 409 && told.error === "changed_meanwhile") {
      heard.set(key, told.author);
      keep(key, { ...entry, clash: { current: told.current, kind: told.kind, own: told.own }, tried: false });
      page.show(kept.get(key), entry.value, "refused");
      ask(key);
    } else if (told.error === "name_without_consent") {
      heard.set(key, told.sentence);
      keep(key, { ...entry, named: "1", tried: false });
      page.show(entry, entry.value, "refused");
      ask(key);
    } else if (status === 401 || (status === 403 && told.error === "form_expired")) {
      return close(status === 401);
    } else if (status === 0 || status >= 500 || status === 429) {
      note = texts.offline;
      return later();
    } else if (told.error === "reason_needed") {
      // It waits for the reason, here or on the page of its lesson.
      keep(key, { ...entry, asks: "1", tried: false });
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
  // The session is over: what was typed till then is kept, nothing more is taken, and no name or mark stays in sight.
  function close(over) {
    if (shut) return;
    const main = book.closest("main"), line = document.createElement("p"), link = document.createElement("a");
    document.activeElement.blur();
    shut = true;
    for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
    for (const part of main.children) part.hidden = true;
    link.href = over ? book.dataset.signIn : location.href;
    link.textContent = `${texts.waiting}: ${kept.size} · ${texts.sign_in}`;
    line.className = "notice waiting";
    line.setAttribute("role", "alert");
    line.append(link);
    main.append(line);
    link.focus();
    if (over) tellWho("");
  }
  addEventListener("storage", (event) => {
    if (shut && event.key === WHO && event.newValue === book.dataset.account) location.reload();
  });
  function later() {
    timer = setTimeout(send, AGAIN[Math.min(tries++, AGAIN.length - 1)]);
  }
  addEventListener("online", () => { tries = 0; send(); });

  // Two wrote into one cell: one of the values is chosen.
  function decide(key, mine) {
    const entry = kept.get(key), { current, kind } = entry.clash;
    if (mine) {
      keep(key, { ...entry, seen: [current], clash: null, tried: false });
      page.show(entry, entry.value, "waiting");
      send();
    } else {
      drop(key);
      page.base(entry, current, { kind });
      page.show({ ...entry, kind }, current, "");
    }
    tell();
  }
  // A text seems to name someone who may not be named: it is written anew, or its writer has looked.
  function name(key, checked) {
    const entry = kept.get(key);
    if (checked) {
      keep(key, { ...entry, named: "", checked });
      page.show(entry, entry.value, "waiting");
      send();
    } else {
      drop(key);
      page.show(entry, entry.value, "refused", heard.get(key));
    }
    tell();
  }
  function tell() {
    const asks = [...kept.values()].filter(stands).length, waiting = kept.size - asks;
    const parts = [];
    if (waiting) parts.push(`${texts.waiting}: ${waiting}`);
    if (refused || asks) parts.push(`${texts.refused}: ${refused + asks}`, ...[why].filter(Boolean));
    if (!parts.length && saved) parts.push(`✓ ${texts.saved}`);
    if (note) parts.push(note);
    for (const bar of bars) {
      bar.textContent = parts.join(" · ");
      bar.className = `state ${waiting ? "waiting" : refused || asks ? "refused" : saved ? "saved" : ""}`;
    }
  }
  function ask(key) {
    const entry = kept.get(key), { current, kind, own } = entry.clash || {}, author = heard.get(key);
    // Two marks of one value are told apart by their kinds of work.
    const alike = current === entry.value && document.getElementById("kind");
    const kindOf = (id) => alike && id && alike.querySelector(`[value="${id}"]`);
    const said = (value, id) => ((entry.field === "status" && texts[value]) || value || texts.nothing) + (kindOf(id) ? ` ${kindOf(id).textContent}` : "");
    const box = entry.named
      ? question(author, [[texts.reword, () => name(key, "")], [texts.someone_else, () => name(key, "1")]])
      : question(own ? `${texts.clash_own} ${said(current, kind)}` : `${texts.clash} ${said(current, kind)}${author ? ` (${author})` : ""}`, [[texts.theirs, () => decide(key, false)], [`${texts.mine}: ${said(entry.value, entry.kind)}`, () => decide(key, true)]]);
    boxes.set(key, box);
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
  function question(told, choices) {
    const box = document.createElement("div"), bar = document.createElement("div");
    box.className = "clash";
    box.setAttribute("role", "alert");
    box.append(told);
    bar.className = "bar";
    for (const [label, then] of choices) {
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

  // ---- the page on which one writes; on any other of the journal what waits is sent, too

  let page = { here: () => false, show() {}, base() {}, ask() {}, reason() {} };
  addEventListener("DOMContentLoaded", () => {
    for (const entry of kept.values()) page.show(entry, entry.value, "waiting");
    tell();
    send();
  });
  return { book, texts, value, enter, absent, late, letterOf, serve(found) { page = found; } };
})();
