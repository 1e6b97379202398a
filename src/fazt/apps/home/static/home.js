// The dashboard stays what it says: when something has happened it asks for its cards again, and replaces what changed.
const place = document.getElementById("live");
const PAUSE_MS = 60_000;
let last = "";
let isStale = false;
let isAsking = false;

async function refresh() {
  if (document.hidden || isAsking || place.contains(document.activeElement)) {
    isStale = true;
    return;
  }
  isAsking = true;
  isStale = false;
  try {
    const answer = await fetch("/?part=live");
    if (!answer.ok || answer.redirected) return;
    const text = (await answer.text()).trim();
    if (text && text !== last) place.innerHTML = text;
    last = text;
    document.dispatchEvent(new Event("htmx:after:swap"));
  } finally {
    isAsking = false;
  }
  if (isStale) look(); // something happened while we asked
}

const look = () => void refresh().catch(() => {});
const source = new EventSource("/home/live");
source.addEventListener("message", look); // one comes soon after each (re)connection too
document.addEventListener("visibilitychange", () => document.hidden || (isStale && look()));
place.addEventListener("focusout", () => setTimeout(() => isStale && look()));
setInterval(look, PAUSE_MS);
