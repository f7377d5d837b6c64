// A lesson in the journal: a form with a row for every pupil.
"use strict";
(() => {
  if (!outbox || outbox.book.tagName !== "FORM") return;
  const { book: form, texts, enter, gives, spell } = outbox;
  form.classList.add("scripted");
  for (const button of form.querySelectorAll(".without-journal-script")) button.hidden = true;
  const seen = new Map(), saved = /^(topic|homework|taken|status-\d+|mark-\d+-\d)$/;
  const nameOf = (cell) => cell.field === "status" ? `status-${cell.pupil}`
    : cell.field === "mark" ? `mark-${cell.pupil}-${cell.slot}` : cell.field;
  const rowOf = (cell) => cell.pupil ? form.querySelector(`[data-pupil="${cell.pupil}"]`)
    : form.querySelector(`[data-cell="${cell.field}"]`);
  // Topic and homework are folded on a phone: their words stand in the fold's head, and it opens when something asks.
  const fold = form.querySelector(".written");
  if (matchMedia("(min-width: 861px)").matches) fold.open = true;
  function headline(name, wanted) {
    const said = fold.querySelectorAll("[data-said]")[["topic", "homework"].indexOf(name)];
    if (said) said.textContent = wanted || said.dataset.said;
  }
  const here = (cell) => cell.url === form.dataset.url && Boolean(form.elements[nameOf(cell)]);
  // A mark keeps its kind of work, a new one is of the usual one, and one chosen by hand goes before.
  const kinds = form.elements.kind, ofSecond = form.elements["kind-1"], byHand = { 0: "", 1: "" }, of = new Map();
  if (kinds) for (const select of [kinds, ofSecond]) select.addEventListener("change", () => {
    if (select === kinds) byHand[0] = kinds.value;
    if (select === ofSecond || !ofSecond.value) byHand[1] = ofSecond.value || kinds.value;
  });
  const usualOf = (slot) => (slot === "1" && ofSecond.value) || kinds.value;
  function kindOf(name) {
    const [, pupil, slot] = /(\d+)-(\d)$/.exec(name);
    return of.get(name) ?? (form.elements[`seen-${name}`] ? rowOf({ pupil }).dataset[`k${slot}`] ?? kinds.dataset.usual : "");
  }
  const nameOfKind = (id) => (id && (kinds.querySelector(`[value="${id}"]`) || {}).textContent) || "";
  function cellOf(name) {
    const [, field, pupil, slot] = /^(\w+)(?:-(\d+))?(?:-(\d+))?$/.exec(name), work = field === "mark" ? { kind: byHand[slot], usual: usualOf(slot), of: kindOf(name) } : {};
    return { ...work, url: form.dataset.url, field, pupil: pupil || "", slot: slot || "", base: seen.get(name) ?? (form.elements[`seen-${name}`] || {}).value ?? (field === "status" ? "present" : "") };
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
    forget();
    if (event.target.closest(".two")) return second(event.target.closest(".pupil"));
    if (!saved.test(name)) return;
    enter(cellOf(name), current(name));
    // Whoever says that attendance was taken has the topic, the homework and who is noted away in sight.
    if (name === "taken" && event.target.checked) {
      for (const text of ["topic", "homework"]) enter(cellOf(text), current(text));
      for (const row of form.querySelectorAll("[data-expected-away]")) enter(cellOf(`status-${row.dataset.pupil}`), current(`status-${row.dataset.pupil}`));
    }
  });
  // A second tap on the chosen key takes it back; a finger that taps twice at once means it once.
  let chosen = null, tapped = [null, 0];
  form.addEventListener("pointerdown", (event) => {
    const key = event.target.closest(".key");
    chosen = key && key.querySelector("input[type=radio]:checked");
  });
  form.addEventListener("click", (event) => {
    if (event.target.type !== "radio") return;
    const key = event.target, twice = tapped[0] === key && event.timeStamp - tapped[1] < 400, again = key === chosen;
    tapped = [key, event.timeStamp];
    chosen = null;
    if (!again || twice) return;
    const cell = cellOf(key.name);
    // The same mark of another kind of work is written, not taken back.
    if (cell.kind && cell.kind !== cell.of) return enter(cell, key.value);
    back(key);
    erased(key, cell.of);
  });
  // What a tap took away is named over the name of its row, which stays as high as it was; one tap brings it again.
  const forget = () => { for (const gone of form.querySelectorAll(".erased")) gone.remove(); };
  function erased(key, kind) {
    forget();
    const row = key.closest(".pupil"), line = placeOf(row, ".erased", row.querySelector(".head").lastElementChild, "span", "small erased", "erased"), undo = document.createElement("button");
    undo.type = "button";
    undo.className = "btn";
    undo.textContent = texts.undo;
    undo.addEventListener("click", () => {
      line.remove();
      put(key.name, key.value);
      enter({ ...cellOf(key.name), kind }, current(key.name));
      key.focus();
    });
    line.replaceChildren(`${texts.erased} ${texts[key.value] || key.value} `, undo);
  }
  form.addEventListener("keydown", (event) => {
    if (event.target.type !== "radio" || event.ctrlKey || event.altKey || event.metaKey) return;
    if (["Delete", "Backspace"].includes(event.key)) back(event.target);
    else if (wishOf(event.target, event.key)) event.preventDefault();
  });
  // As in the grid a digit chooses the mark, a letter who is away or late, and the next pupil has the focus.
  function wishOf(at, typed) {
    const letter = spell(at.closest(".pupil"), typed);
    if (!letter && !/^[0-9]$/.test(typed)) return false;
    if (letter && !letter.status) return true;
    const row = letter ? letter.at : at.closest(".pupil"), kind = letter ? ".keys:not(.marks)" : at.closest(".second") ? ".second" : ".marks:not(.second)";
    const key = row.querySelector(`${kind} input[type=radio][value="${letter ? letter.status : typed}"]`);
    if (!key) return false;
    if (letter && key.checked && !letter.why) back(key);
    else {
      put(key.name, key.value);
      enter({ ...cellOf(key.name), why: letter && gives ? letter.why : "" }, current(key.name));
    }
    if (letter && letter.amends) return true;
    const below = row.nextElementSibling || row, next = [kind, ".marks"].flatMap((some) => [...below.querySelectorAll(`${some} input[type=radio]`)]).filter((one) => one.offsetParent);
    (next.find((one) => one.checked) || next[0] || at).focus();
    return true;
  }
  function back(key) {
    put(key.name, key.name.startsWith("status") ? "present" : "");
    enter(cellOf(key.name), current(key.name));
  }
  form.addEventListener("submit", (event) => event.preventDefault());
  // Whoever has written of some pupils is asked in place about the others, and one tap answers.
  const foot = form.querySelector("[data-cell=taken]"), all = document.createElement("p"), yes = document.createElement("button");
  all.className = "bar all-present";
  yes.type = "button";
  yes.className = "btn first";
  yes.textContent = texts.all_present_yes;
  yes.addEventListener("click", () => form.elements.taken.click());
  all.append(texts.all_present, yes);
  foot.prepend(all);
  all.hidden = true;
  let written = false;
  function askAll(cell) {
    written ||= Boolean(cell.pupil);
    all.hidden = !written || form.elements.taken.checked;
  }
  // Each mark with its kind of work.
  function telling(cell, line) {
    const told = [0, 1].map((slot) => {
      const name = `mark-${cell.pupil}-${slot}`, mark = current(name);
      return mark && `${mark} ${nameOfKind(kindOf(name))}`;
    });
    line.textContent = told.filter(Boolean).join(" / ");
  }
  // The keys of a second mark are made when they are wanted, like those of the first.
  function second(row) {
    const place = row.querySelector(".second"), field = place.querySelector("[type=number]"), first = row.querySelector(".marks"), wanted = field && field.value;
    if (!field || !first.querySelector(`[type=radio][value="${wanted}"]`)) return;
    place.setAttribute("role", "group");
    place.setAttribute("aria-label", field.getAttribute("aria-label"));
    place.replaceChildren(...[...first.children].map((one) => {
      const made = one.cloneNode(true), key = made.firstElementChild;
      key.name = field.name;
      key.checked = key.value === wanted;
      return made;
    }));
  }
  for (const row of form.querySelectorAll(".pupil:has(.two input:checked)")) second(row);
  // Absent, and a mark: it is asked once which of the two is meant; who was away may have made up for the lesson.
  const asked = new Set();
  function doubt(pupil) {
    const row = rowOf({ pupil }), box = row.querySelector(".doubt");
    const marked = [0, 1].some((slot) => form.elements[`mark-${pupil}-${slot}`] && current(`mark-${pupil}-${slot}`));
    const both = marked && current(`status-${pupil}`) === "absent" && !asked.has(pupil);
    if (box && !both) box.remove();
    if (box || !both) return;
    const made = document.createElement("div"), bar = document.createElement("div");
    made.className = "clash doubt";
    made.setAttribute("role", "alert");
    bar.className = "bar";
    const there = () => { put(`status-${pupil}`, "present"); enter(cellOf(`status-${pupil}`), "present"); };
    for (const [label, then] of [[texts.was_there, there], [texts.was_away, () => asked.add(pupil)]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "btn";
      button.textContent = label;
      button.addEventListener("click", () => { made.remove(); then(); });
      bar.append(button);
    }
    made.append(texts.absent_marked, bar);
    row.append(made);
  }
  // Signs and kinds of work have a place in the row once there is something to tell.
  function placeOf(row, selector, before, tag, look, name) {
    const found = row.querySelector(selector);
    if (found) return found;
    const made = document.createElement(tag);
    made.className = look;
    made.dataset[name] = "";
    before.after(made);
    return made;
  }
  // The grid leads to one pupil.
  const aim = /^#pupil-(\d+)$/.exec(location.hash), goal = aim && rowOf({ pupil: aim[1] }), goals = goal ? [...goal.querySelectorAll(".keys input")].filter((one) => one.offsetParent) : [];
  if (goals.length) {
    goal.scrollIntoView({ block: "center" });
    (goals.find((one) => one.checked) || goals[0]).focus({ preventScroll: true });
  }
  outbox.serve({
    show(cell, wanted, state) {
      if (!here(cell)) return;
      askAll(cell);
      headline(cell.field, wanted);
      const row = rowOf(cell);
      const line = cell.pupil ? placeOf(row, "[data-told]", row.querySelector(".name"), "span", "state", "told") : row.querySelector("[data-told]");
      if (current(nameOf(cell)) !== wanted && document.activeElement !== form.elements[nameOf(cell)]) put(nameOf(cell), wanted);
      if (cell.slot === "1" && wanted) {
        row.querySelector(".two input").checked = true;
        second(row);
      }
      if (cell.field === "mark") of.set(nameOf(cell), wanted && (cell.kind || kindOf(nameOf(cell)) || cell.usual || ""));
      if (cell.field === "mark") telling(cell, placeOf(row, "[data-kinds]", row.querySelector(".second"), "p", "small soft comment", "kinds"));
      if (cell.field === "mark" || cell.field === "status") doubt(cell.pupil);
      if (!line) return;
      outbox.tellSign(line, state);
      const kind = cell.field === "mark" && wanted && cell.slot === "0" ? kindOf(nameOf(cell)) : "";
      if (kind && kind !== kinds.dataset.usual) line.append(" ", nameOfKind(kind));
    },
    base(cell, known, told) {
      if (!here(cell)) return;
      seen.set(nameOf(cell), known);
      if (told.kind && (!cell.kind || cell.kind === told.kind)) of.set(nameOf(cell), told.kind);
    },
    here,
    at(cell) { return rowOf(cell).contains(document.activeElement) && !outbox.panel.contains(document.activeElement); },
    nameOf(cell) { return cell.field === "taken" ? texts.taken : rowOf(cell).querySelector(".name a, label").textContent.trim(); },
    go(cell) {
      const row = rowOf(cell), controls = [...row.querySelectorAll("input, textarea")];
      if (fold.contains(row)) fold.open = true;
      row.scrollIntoView({ block: cell.pupil ? "center" : "nearest" });
      const shown = controls.filter((one) => one.type !== "hidden" && one.offsetParent && !outbox.panel.contains(one)), own = shown.filter((one) => one.name === nameOf(cell));
      (own.find((one) => one.checked) || own[0] || shown[0]).focus({ preventScroll: true });
    },
  });
  foot.prepend(outbox.panel);
  form.addEventListener("focusin", outbox.offer);
})();
