// The list: choose all at once, and fetch the rows again when something has changed in the mailbox.
const form = document.querySelector("#mail-list");

if (form) {
  const all = form.querySelector("[data-all]");
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of form.querySelectorAll("input[name=thread]")) box.checked = all.checked;
  });
}

async function refresh() {
  const lines = document.querySelector("#lines");
  if (!lines) return location.reload();
  const answer = await fetch(`/mail/rows?view=${encodeURIComponent(form.dataset.view)}`);
  if (!answer.ok || answer.redirected) return;
  const chosen = new Set([...lines.querySelectorAll("input:checked")].map((box) => box.value));
  const fresh = document.createElement("ul");
  fresh.innerHTML = await answer.text();
  for (const box of fresh.querySelectorAll("input[name=thread]")) box.checked = chosen.has(box.value);
  lines.replaceChildren(...fresh.children);
}

function listen() {
  const source = new EventSource("/mail/live");
  let waiting = 0;
  source.addEventListener("mail.received", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => refresh().catch(() => {}), 200);
  });
  addEventListener("pagehide", () => source.close());
}

// A little later, so that the page itself comes first.
if (!form || form.dataset.live === "yes") setTimeout(listen, 1500);
