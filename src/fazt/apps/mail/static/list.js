// The list: choose all at once, and fetch the rows again when something has changed in the mailbox.
const form = document.querySelector("#mail-list");
const asked = new URLSearchParams(location.search);

if (form) {
  const all = form.querySelector("[data-all]");
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of form.querySelectorAll("input[name=thread]")) box.checked = all.checked;
  });
}

async function refresh() {
  const lines = document.querySelector("#lines");
  const answer = await fetch(`/mail/rows?view=${encodeURIComponent(asked.get("view") || "inbox")}`);
  if (!answer.ok || answer.redirected) return;
  const rows = (await answer.text()).trim();
  if (!lines) return rows ? location.reload() : undefined; // it was empty, and is no more
  const chosen = new Set([...lines.querySelectorAll("input:checked")].map((box) => box.value));
  const fresh = document.createElement("ul");
  fresh.innerHTML = rows;
  for (const box of fresh.querySelectorAll("input[name=thread]")) box.checked = chosen.has(box.value);
  lines.replaceChildren(...fresh.children);
}

function listen() {
  const source = new EventSource("/mail/live");
  let waiting = 0;
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => refresh().catch(() => {}), 200);
  };
  source.addEventListener("open", soon); // what came before we listened, or while the line was cut
  source.addEventListener("mail.received", soon);
  addEventListener("pagehide", () => source.close());
}

// A little later, so that the page itself comes first.
if (!asked.get("q") && !asked.get("before")) setTimeout(listen, 1500);
