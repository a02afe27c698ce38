// Puts a fresh main part in place of the old one, while somebody looks, and has search and
// filters act while they are used.
const main = document.getElementById("main");
const live = document.getElementById("live");
const form = document.querySelector("form");
const EVERY = 2000;
let turn = 0;
let next;

async function update() {
  clearTimeout(next);
  const mine = ++turn;
  const began = performance.now();
  if (!document.hidden && !selecting()) {
    try {
      const answer = await fetch(location.href, { headers: { "x-part": "main" }, signal: AbortSignal.timeout(20000) });
      // An object that is gone has a page that says so.
      if (!answer.ok && answer.status !== 404) throw new Error(answer.status);
      const text = await answer.text();
      // A later one has been asked for meanwhile.
      if (mine !== turn) return;
      show(text);
      tell(true);
    } catch {
      if (mine !== turn) return;
      tell(false);
    }
  }
  // A slow answer is not asked for more often than it can be given.
  next = setTimeout(update, Math.max(EVERY, 10 * (performance.now() - began)));
}

// Somebody who copies a message would lose what they have marked.
function selecting() {
  const marked = getSelection();
  return !marked.isCollapsed && main.contains(marked.anchorNode);
}

function show(text) {
  const unfolded = new Set([...main.querySelectorAll("details[open]")].map(owner));
  const focused = main.contains(document.activeElement) ? sign(document.activeElement) : null;
  main.innerHTML = text;
  document.title = main.firstElementChild.dataset.title;
  for (const details of main.querySelectorAll("details")) details.open = unfolded.has(owner(details));
  if (focused === null) return;
  const again = [...main.querySelectorAll("a, summary")].find((element) => sign(element) === focused);
  if (again) again.focus({ preventScroll: true });
}

// The object in whose row something is folded up; empty for the list of what scaled.
function owner(details) {
  return details.closest("tr")?.querySelector("b").textContent ?? "";
}

// By what a link or a fold is known again.
function sign(element) {
  return element.getAttribute("href") ?? `fold ${owner(element)}`;
}

function tell(connected) {
  // A replica that does not lead has nothing that could be live.
  const state = main.firstElementChild?.dataset.state;
  document.body.classList.toggle("stale", !connected);
  document.body.classList.toggle("idle", connected && state !== undefined);
  if (connected) live.dataset.at = new Date().toLocaleTimeString();
  live.textContent = connected ? (state ?? "live") : `no connection, as of ${live.dataset.at}`;
}

function search() {
  const fields = [...new FormData(form)].filter(([, value]) => value !== "");
  history.replaceState(null, "", `/?${new URLSearchParams(fields)}`);
  update();
}

let typing;
// The page of one object has nothing to search in.
form?.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(search, 200);
});
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  search();
});
document.addEventListener("visibilitychange", update);
tell(true);
next = setTimeout(update, EVERY);
