// <section data-live="/address">: brought up to date every two seconds, as long as somebody looks.
async function refresh(section) {
  if (document.hidden) return;
  const answer = await fetch(section.dataset.live, { headers: { accept: "text/html" } }).catch(() => null);
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
  if (section.innerHTML.trim() !== fresh.innerHTML.trim()) section.replaceChildren(...fresh.childNodes);
}

for (const section of document.querySelectorAll("[data-live]")) setInterval(refresh, 2000, section);
