// <time data-ago>: "3 minutes ago", kept up to date. <time data-date>: in the reader's own time zone.
const STEPS = [["year", 31536e6], ["month", 2592e6], ["week", 6048e5], ["day", 864e5], ["hour", 36e5], ["minute", 6e4]];
const ago = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function say(at) {
  const distance = at - Date.now();
  for (const [unit, size] of STEPS) {
    if (Math.abs(distance) >= size) return ago.format((distance < 0 ? Math.trunc : Math.round)(distance / size), unit);
  }
  return distance > 0 ? "in a moment" : "just now";
}

function refresh() {
  for (const element of document.querySelectorAll("time[data-ago], time[data-date]")) {
    const at = Date.parse(element.dateTime);
    if (Number.isNaN(at)) continue;
    const text = "ago" in element.dataset ? say(at) : day.format(at);
    if (element.textContent !== text) element.textContent = text;
    const title = exact.format(at);
    if (element.title !== title) element.title = title;
  }
}

refresh();
setInterval(refresh, 30_000);
document.addEventListener("htmx:after:swap", refresh);
