// Puts a fresh main part in place of the old one, while somebody looks.
const main = document.getElementById("main");
async function update() {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href, { headers: { "x-part": "main" } });
    if (answer.ok) main.innerHTML = await answer.text();
    document.body.classList.remove("stale");
  } catch {
    document.body.classList.add("stale");
  }
}
setInterval(update, 2000);
