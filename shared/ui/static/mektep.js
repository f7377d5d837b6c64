// The little that plain HTML cannot do; every page works without it.
"use strict";

// A menu closes when one clicks beside it or presses Escape.
const openMenus = () => document.querySelectorAll("details.drop[open]");
document.addEventListener("click", (event) => {
  for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of openMenus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// A table that is wider than the screen can be reached and moved by the keyboard.
function reachable(root) {
  for (const box of root.querySelectorAll(".scroll")) {
    if (box.scrollWidth <= box.clientWidth || box.tabIndex >= 0) continue;
    const name = box.querySelector("caption") || document.querySelector("h1");
    box.tabIndex = 0;
    box.setAttribute("role", "region");
    if (name) box.setAttribute("aria-label", name.textContent.trim());
  }
}
addEventListener("load", () => reachable(document));
addEventListener("resize", () => reachable(document));
document.addEventListener("htmx:afterSwap", () => reachable(document));

// Of tabs that go on past the edge, the chosen one is in sight.
for (const tab of document.querySelectorAll(".tabs.slide [aria-current]")) {
  const row = tab.closest("ul");
  row.scrollLeft = tab.offsetLeft - row.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2;
}

// Of a menu that is longer than the window, the line of this page is in sight.
for (const line of document.querySelectorAll(".side [aria-current]")) {
  const menu = line.closest(".side > ul");
  menu.scrollTop = line.offsetTop - (menu.clientHeight - line.offsetHeight) / 2;
}

// How an average came about opens over the page; without this script its link leads there. Without the school the page
// stays: what waits in it is sent from here.
document.addEventListener("click", async (event) => {
  const at = event.target.closest("[data-average], [data-proposed]"), link = at && at.parentNode.querySelector("[data-average] a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const answer = await fetch(link.href).catch(() => null), unreached = document.querySelector("[data-unreached]");
  if (!answer && unreached) { alert(unreached.dataset.unreached); return; }
  const told = answer && answer.ok && !answer.redirected ? await answer.text() : "";
  const page = new DOMParser().parseFromString(told, "text/html"), part = page.querySelector("[data-explains]");
  if (!part) { location.assign(link.href); return; }
  const box = document.createElement("dialog"), bar = document.createElement("div"), name = page.querySelector("h1"), away = document.createElement("button");
  box.className = "card pad explains";
  bar.className = "bar";
  away.className = "btn";
  away.textContent = part.dataset.explains;
  away.addEventListener("click", () => box.close());
  name.id = "explained";
  name.className = "grow";
  box.setAttribute("aria-labelledby", name.id);
  part.querySelector("[data-unsaved]").hidden = !link.closest("tr, p").querySelector(".waiting, .refused");
  bar.append(name, away);
  box.append(bar, part);
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
});

// A choice applies at once; without this script the button beside it does.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-at-once]");
  if (form) form.requestSubmit();
});
for (const button of document.querySelectorAll("form[data-at-once] .without-script")) button.hidden = true;

// Whoever signs out is told what still waits in this browser; the journal sends it, and every other page leads there.
const waits = (form) => Object.keys(localStorage).some((key) => key.startsWith(`mektep-unsent:${form.dataset.account}:`));
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.unsent) return;
  event.preventDefault();
  if (!waits(form) || confirm(form.dataset.unsent)) goOut(form);
});

// Who signs out or locks in one tab has done so in all tabs of this browser; they go to the sign-in page, and so do those
// of an account in whose stead another has come in. What was being typed is kept first.
const WHO = "mektep-who", door = document.querySelector("form[data-door]");
function tellWho(account) {
  try { localStorage.setItem(WHO, account); } catch { /* full or forbidden: each tab learns it from the server */ }
}
function toldWho() {
  try { return localStorage.getItem(WHO); } catch { return null; }
}
let goingOut = false;
async function goOut(form) {
  if (goingOut) return;
  goingOut = true;
  const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) }).catch(() => null);
  if (!answer || answer.redirected) tellWho("");
  if (answer && answer.redirected) location.assign(answer.url);
  else form.submit();
}
if (door) {
  tellWho(door.dataset.account);
  const told = toldWho() === door.dataset.account;
  const look = () => {
    if (!told || goingOut || toldWho() === door.dataset.account) return;
    document.activeElement.blur();
    document.body.hidden = true;
    location.replace(door.dataset.door);
  };
  addEventListener("storage", (event) => { if (event.key === WHO) look(); });
  addEventListener("pageshow", (event) => { if (event.persisted) look(); });
  document.addEventListener("visibilitychange", look);
}
const exit = document.querySelector("form[data-waiting]");
if (exit && waits(exit) && !document.querySelector("[data-journal][data-account]")) {
  const line = document.createElement("p"), link = document.createElement("a");
  link.href = exit.dataset.sentFrom;
  link.textContent = exit.dataset.waiting;
  line.className = "notice waiting gap-below";
  line.append(link);
  document.querySelector("main").prepend(line);
}

// A form is sent once.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (event.target.method === "post" && button && !event.defaultPrevented) {
    setTimeout(() => { button.disabled = true; }, 0);
    setTimeout(() => { button.disabled = false; }, 8000);
  }
});

// Paper cannot be unfolded.
addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("main details[data-on-paper]:not([open])")) folded.open = true;
});

// What goes to the printer and holds personal data is noted first.
function notePrinting({ note, what, person = "", class: group = "" }) {
  const token = JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-Form-Token"] || "";
  const body = new URLSearchParams({ what, person, class: group });
  fetch(note, { method: "POST", headers: { "X-Form-Token": token }, body, keepalive: true }).catch(() => {});
}
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    if (button.dataset.note) notePrinting(button.dataset);
    print();
  });
}

// On a shared computer a page that nobody touches locks itself; what other tabs of the browser do counts too.
const lock = document.getElementById("lock");
if (lock) {
  const limit = lock.dataset.minutes * 60000, key = "mektep-touched";
  const touched = () => localStorage.setItem(key, Date.now());
  for (const kind of ["pointerdown", "keydown", "scroll"]) addEventListener(kind, touched, { passive: true, capture: true });
  touched();
  setInterval(() => {
    if (Date.now() - Number(localStorage.getItem(key)) >= limit) goOut(lock);
  }, Math.min(limit / 4, 5000));
}

// In the timetable's grid Enter goes to the lesson below, Ctrl with an arrow to the cell on that side.
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
document.addEventListener("keydown", (event) => {
  const cell = event.target.matches(".slots select") && event.target;
  const step = event.key === "Enter" ? [0, 1] : event.ctrlKey && STEPS[event.key];
  if (!cell || !step) return;
  event.preventDefault();
  const [, day, period] = cell.name.split("-").map(Number);
  const next = cell.form.elements[`cell-${day + step[0]}-${period + step[1]}`];
  if (next) next.focus();
});
