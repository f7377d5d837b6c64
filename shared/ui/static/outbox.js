// What is entered in the journal is saved cell by cell in the background. Without a script its forms do the same at once.
//
// What has not arrived waits in this browser's storage: addresses of lessons, row ids, marks and texts of lessons, no
// names; under the account that wrote it, and sent by that account alone. A cell is one entry, so nothing is doubled.
// What the node said of an entry can name someone: it stays in the page, and is asked for anew when one comes again.
// What the node refuses waits, too, and is told with lesson, pupil and value, till it is taken or given up by hand.
"use strict";
const outbox = (() => {
  const book = document.querySelector("[data-journal][data-account]");
  if (!book) return null;
  const texts = WORDS;
  const STORE = `mektep-unsent:${book.dataset.account}:`;
  const AGAIN = [1000, 2000, 5000, 15000];
  const UNASKED = { clash: null, asks: "", named: "" };
  const token = document.querySelector("input[name=form_token]").value;
  const kept = new Map(), heard = new Map(), lines = new Map();
  let sending = false, tries = 0, timer = 0, note = "", saved = false, shut = false;

  function make(tag, look, ...parts) {
    const made = document.createElement(tag);
    made.className = look;
    made.append(...parts);
    return made;
  }
  function button(label, then, look = "btn") {
    const made = make("button", look, label);
    made.type = "button";
    made.addEventListener("click", then);
    return made;
  }
  // A state as a sign and its word, which a phone leaves to the ear where there is little room.
  const SIGNS = { saved: "✓ ", waiting: "… ", refused: "! ", locked: "! " };
  const word = (text) => make("span", "word", text);
  function tellSign(state, sign) {
    state.className = `state ${sign === "locked" ? "refused" : sign || ""}`;
    state.replaceChildren(...(sign ? [SIGNS[sign], word(texts[sign])] : []));
  }
  const bars = [...document.querySelectorAll("[data-state]")].map((bar) => {
    const text = make("span", ""), leads = button("", () => lead(), "lead");
    leads.hidden = true;
    bar.append(text, leads);
    return { bar, text, leads };
  });

  // ---- what waits

  const found = [];
  for (const key of Object.keys(localStorage)) {
    if (!key.startsWith(STORE)) continue;
    try { found.push([key, { ...JSON.parse(localStorage.getItem(key)), ...UNASKED }]); } catch { localStorage.removeItem(key); }
  }
  for (const [key, entry] of found.sort((one, other) => one[1].since - other[1].since)) kept.set(key, entry);
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
    if (!waits && wanted === cell.base && !cell.why && (!wanted || !kind || kind === cell.of)) { page.show(cell, wanted, ""); return; }
    const entry = waits || { ...cell, seen: [cell.base], since: Date.now() };
    if (waits && entry.tried && !entry.seen.includes(entry.value)) entry.seen.push(entry.value);
    const chosen = kind || (waits && waits.value && waits.kind) || "";
    Object.assign(entry, { value: wanted, kind: chosen, usual, why: cell.why, reason: value("reason"), tried: false, ...UNASKED, checked: "", no: "" });
    keep(key, entry);
    page.show(entry, wanted, "waiting");
    tell();
    send();
  }

  // ---- sending, one at a time

  const stands = (entry) => entry.clash || entry.asks || entry.named || entry.no;
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
    for (const name of ["field", "pupil", "slot", "value", "why", "kind", "usual", "reason"]) form.append(name, entry[name] ?? "");
    if (entry.checked) form.append("names_checked", "1");
    for (const seen of entry.seen) form.append("seen", seen);
    return form;
  }
  function settle(key, sent, status, told) {
    const entry = kept.get(key) || sent, newer = ["value", "kind", "why"].some((name) => entry[name] !== sent[name]);
    note = "";
    if (status === 200) {
      tries = 0;
      saved = true;
      page.base(entry, sent.value, told);
      if (!newer) {
        drop(key);
        page.show(entry, sent.value, "saved");
        if (lines.has(key)) sayOf(key, "saved");
      } else keep(key, { ...entry, seen: [sent.value], tried: false });
    } else if (status === 401 || (status === 403 && told.error === "form_expired")) {
      return close(status === 401);
    } else if (status === 0 || status >= 500 || status === 429) {
      note = texts.offline;
      return later();
    } else if (kept.has(key) && !newer) {
      const asks = { changed_meanwhile: { clash: { current: told.current, kind: told.kind, own: told.own } }, name_without_consent: { named: "1" }, reason_needed: { asks: "1" } };
      heard.set(key, told.error === "changed_meanwhile" ? told.author : told.sentence);
      keep(key, { ...entry, ...(asks[told.error] || { no: told.error || "refused" }), tried: false });
      page.show(kept.get(key), entry.value, signOf(kept.get(key)));
    }
    send();
  }
  const signOf = (entry) => !stands(entry) ? "waiting" : entry.no === "term_locked" ? "locked" : "refused";
  // A reason that is written once holds for all that ask for one here, or in that lesson.
  function reasoned(reason, like) {
    for (const [key, entry] of [...kept]) {
      if (!entry.asks || !(like ? entry.url === like.url : page.here(entry))) continue;
      keep(key, { ...entry, asks: "", reason });
      page.show(entry, entry.value, "waiting");
    }
    tell();
    send();
  }
  document.addEventListener("change", (event) => {
    const reason = event.target.id === "reason" && event.target.value.trim();
    if (reason) reasoned(reason);
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

  // ---- what the node did not take

  // It is sent again as it is, with what was decided about it.
  function again(key, decided) {
    const entry = { ...kept.get(key), ...UNASKED, no: "", tried: false, ...decided };
    keep(key, entry);
    page.show(entry, entry.value, "waiting");
    tell();
    send();
  }
  // It is given up: what stands in the school is shown. A text that names someone stays to be written anew.
  function giveUp(key) {
    const entry = kept.get(key), { current, kind } = entry.clash || { current: entry.seen[0], kind: entry.of };
    drop(key);
    if (entry.clash) page.base(entry, current, { kind });
    if (entry.named) page.show(entry, entry.value, "refused", heard.get(key));
    else page.show({ ...entry, kind }, current, "");
    if (lines.has(key)) lines.get(key).remove();
    lines.delete(key);
    tell();
  }
  // What is said of an entry, and the ways out of it.
  function about(key) {
    const entry = kept.get(key), { current, kind, own } = entry.clash || {}, told = heard.get(key);
    // Two marks of one value are told apart by their kinds of work.
    const alike = current === entry.value && document.getElementById("kind");
    const kindOf = (id) => alike && id && alike.querySelector(`[value="${id}"]`);
    const both = (one, id) => said({ ...entry, value: one }) + (kindOf(id) ? ` ${kindOf(id).textContent}` : "");
    const last = [texts.give_up, () => giveUp(key)];
    if (entry.clash) return {
      told: own ? `${texts.clash_own} ${both(current, kind)}` : `${texts.clash} ${both(current, kind)}${told ? ` (${told})` : ""}`,
      ways: [[texts.theirs, () => giveUp(key)], [`${texts.mine}: ${both(entry.value, entry.kind)}`, () => again(key, { seen: [current] })]],
    };
    if (entry.named) return { told, ways: [page.here(entry) ? [texts.reword, () => giveUp(key)] : last, [texts.someone_else, () => again(key, { checked: "1" })]] };
    if (entry.asks) return { told: told || texts.reason_needed, asks: true, ways: [last] };
    return { told: told || texts[entry.no] || texts.refused, ways: [[texts.again, () => again(key)], last] };
  }
  const said = (entry) => ({ status: texts[entry.value], taken: entry.value === "1" ? texts.yes : texts.no }[entry.field] || entry.value || texts.nothing);
  // A question as a box; once it is answered the focus goes where it came from.
  function question(key) {
    const entry = kept.get(key), { told, asks, ways } = about(key), box = make("div", "clash", make("p", "", told)), bar = make("div", "bar");
    const answered = (then) => () => {
      const line = lines.get(key);
      then();
      if (page.here(entry)) page.go(entry, entry.named);
      else ((line && line.isConnected ? line : list).querySelector("a") || document.body).focus();
    };
    if (asks) {
      const field = make("input", ""), label = make("label", "", texts.reason, field);
      const send = answered(() => {
        const reason = field.value.trim(), here = document.getElementById("reason");
        if (!reason) return;
        // What follows on this page has it, too.
        if (here && page.here(entry)) here.value = reason;
        reasoned(reason, page.here(entry) ? null : entry);
      });
      field.maxLength = 300;
      field.addEventListener("keydown", (event) => {
        if (event.key !== "Enter") return;
        event.preventDefault();
        send();
      });
      box.append(label);
      bar.append(button(texts.save, send));
    }
    for (const [label, then] of ways) bar.append(button(label, answered(then)));
    box.append(bar);
    return box;
  }
  // What asks about a cell of this page does so in one place that is always in sight and moves nothing: the chosen cell's
  // question, else the one before; the others are counted.
  const panel = make("div", "asks no-print");
  panel.hidden = true;
  let shown = "", mark = "", led = "";
  const standing = () => [...kept].filter(([, entry]) => stands(entry) && page.here(entry)).map(([key]) => key);
  function offer() {
    const all = standing(), near = (one) => all.includes(one) && page.at(kept.get(one));
    const key = [led, shown, ...all].find(near) || (all.includes(shown) ? shown : all[0]) || "";
    const now = key && JSON.stringify([key, kept.get(key), heard.get(key)]);
    if (now !== mark) {
      const box = key && question(key);
      if (key) {
        box.setAttribute("role", "alert");
        box.prepend(make("p", "bar", make("b", "", page.nameOf(kept.get(key))), make("span", "count"), button("›", () => lead(), "btn next")));
        box.querySelector(".next").setAttribute("aria-label", texts.next);
      }
      panel.replaceChildren(...[box].filter(Boolean));
      panel.hidden = !key;
      [shown, mark] = [key, now];
    }
    if (!key) return;
    panel.querySelector(".count").textContent = all.length > 1 ? `${all.indexOf(key) + 1}/${all.length}` : "";
    panel.querySelector(".next").hidden = all.length < 2;
  }
  // From the line that counts them to one after the other.
  function lead() {
    const all = [...standing(), ...[...lines.keys()].filter((key) => kept.has(key) && stands(kept.get(key)))];
    led = all[(all.indexOf(led) + 1) % all.length] || "";
    if (!led) return;
    const entry = kept.get(led), away = lines.get(led);
    if (page.here(entry)) page.go(entry);
    (page.here(entry) ? panel : away).querySelector("a, input, .bar:last-child button").focus({ preventScroll: page.here(entry) });
  }

  // ---- what belongs to a lesson that is not on this page: a line each

  const list = make("ul", "card rows unsent no-print");
  function addLine(key) {
    const entry = kept.get(key), link = document.createElement("a"), [, day, period] = /([\d-]+)\/(\d+)$/.exec(entry.url);
    const number = entry.pupil && texts.number.replace("#", BigInt(entry.pupil) & 0xffffffffn), of = { topic: texts.topic, homework: texts.homework, taken: texts.taken, comment: texts.comment }[entry.field];
    if (!list.isConnected) book.before(list);
    link.href = entry.url.replace("/cell/", "/lesson/") + (entry.pupil && `#pupil-${entry.pupil}`);
    link.textContent = `${day.split("-").reverse().join(".")} · ${period}`;
    const line = make("li", "", make("p", "bar", link, make("span", "", [number, [of, (entry.slot === "1" ? "/" : "") + said(entry)].filter(Boolean).join(": ")].filter(Boolean).join(" · ")), make("span", "state")));
    list.append(line);
    lines.set(key, line);
  }
  function sayOf(key, sign) {
    const line = lines.get(key), entry = kept.get(key), state = line.querySelector(".state"), now = JSON.stringify([sign, entry, heard.get(key)]);
    if (line.mark === now) return;
    line.mark = now;
    tellSign(state, sign);
    const box = line.querySelector(".clash");
    if (box) box.remove();
    if (entry && stands(entry)) line.append(question(key));
  }
  function tell() {
    const asks = [...kept.values()].filter(stands).length, waiting = kept.size - asks;
    const count = waiting && (asks ? ["… ", word(`${texts.waiting}: `), `${waiting} `] : [`${texts.waiting}: ${waiting}`]);
    const text = [...(count || (asks || !saved ? [] : [`✓ ${texts.saved}`])), note && ` · ${note}`].filter(Boolean);
    for (const { bar, text: place, leads } of bars) {
      place.replaceChildren(...text.map((part) => part.cloneNode ? part.cloneNode(true) : part));
      leads.hidden = !asks;
      leads.replaceChildren("! ", word(`${texts.refused}: `), `${asks} ›`);
      bar.className = `state ${waiting ? "waiting" : asks ? "refused" : saved ? "saved" : ""}`;
    }
    for (const [key, entry] of kept) {
      if (page.here(entry)) continue;
      if (stands(entry) && !lines.has(key)) addLine(key);
      if (lines.has(key)) sayOf(key, signOf(entry));
    }
    offer();
  }
  // What a letter means: the school's own first, then the usual ones, but for those that begin one of the school's.
  const MEANINGS = ["absent", "late", "ill", "excused", "unexcused"], meanings = new Map();
  const own = (book.dataset.letters || "").toLowerCase().split(" "), [absent, late] = (book.dataset.letters || "").split(" "), gives = "gives" in book.dataset;
  own.forEach((letter, at) => { if (letter && !meanings.has(letter)) meanings.set(letter, MEANINGS[at]); });
  for (const meaning of MEANINGS) for (const letter of texts[`letters_${meaning}`].split(" ")) {
    if (!own.some((one) => one.startsWith(letter))) meanings.set(letter, meaning);
  }
  // Who was away and why; the reason counts from who gives reasons, and from others says that someone was away.
  function letterOf(typed) {
    const meaning = meanings.get(typed.toLowerCase()), status = meaning && (meaning === "late" ? "late" : "absent"), why = status === meaning ? "" : meaning;
    return meaning && { status, why, told: [texts[status], gives && texts[why]].filter(Boolean).join(", ") };
  }
  // Letters come one by one: the second of «сз» means the cell of the first, which has gone on to the next already, unless
  // it means something alone. Where the first means nothing alone, it is waited with.
  let begun = null;
  function spell(at, key) {
    if (key === "Shift") return null;
    const before = begun, both = before && letterOf(before.text + key), alone = letterOf(key);
    begun = null;
    if (!/^[^\d/\s]$/.test(key)) return null;
    if (both && (before.waits || !alone)) return { ...both, at: before.at, goes: before.waits, amends: !before.waits };
    const waits = !alone;
    if (alone || [...meanings.keys()].some((one) => one.startsWith(key.toLowerCase()))) begun = { at, text: key, waits };
    return alone ? { ...alone, at, goes: true } : begun && { at };
  }
  document.addEventListener("pointerdown", () => { begun = null; });

  // ---- the page on which one writes; on any other of the journal what waits is sent, too

  let page = { here: () => false, show() {}, base() {} };
  addEventListener("DOMContentLoaded", () => {
    for (const [key, entry] of kept) {
      if (page.here(entry)) page.show(entry, entry.value, signOf(entry));
      else addLine(key);
    }
    tell();
    send();
  });
  return { book, texts, value, enter, absent, late, gives, letterOf, spell, panel, offer, word, tellSign, serve(found) { page = found; } };
})();
