// The live log: asks for newer rows every two seconds while the page is seen, and puts them on top.
const MOST = 500;
const table = document.querySelector("table[aria-label=Events] tbody");
const prefix = new URLSearchParams(location.search).get("prefix") ?? "";

async function refresh() {
  if (document.hidden) return;
  const after = table.querySelector("tr")?.dataset.id ?? 0;
  const answer = await fetch(`/events/rows?${new URLSearchParams({ after, prefix })}`);
  if (!answer.ok || answer.redirected) return;
  const rows = (await answer.text()).trim();
  if (!rows) return;
  table.insertAdjacentHTML("afterbegin", rows);
  while (table.rows.length > MOST) table.lastElementChild.remove();
  document.querySelector("[data-some]").hidden = false;
  document.querySelector("[data-none]")?.remove();
}

document.querySelector("[data-live]").classList.remove("unseen");
setInterval(() => refresh().catch(() => {}), 2000);
