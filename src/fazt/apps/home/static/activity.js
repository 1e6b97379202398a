// The live log: asks for newer rows every two seconds while the page is seen, and puts them on top.
const MOST = 500;
const table = document.querySelector("table[aria-label=Activity] tbody");
const asked = new URLSearchParams(location.search);

async function refresh() {
  if (document.hidden) return;
  const after = table.querySelector("tr")?.dataset.id ?? 0;
  const answer = await fetch(`/activity/rows?${new URLSearchParams({ after, prefix: asked.get("prefix") ?? "", person: asked.get("person") ?? "" })}`);
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
