// Clicks as they come: a pulse on the map, a line in the list, and figures of the last minutes.
import { MIDDLES } from "../vendor/world.js";

const LINES = 50;
const DOTS = 200;
const live = document.querySelector("#live");
const list = document.querySelector("#clicks");
const dots = document.querySelector("#dots");
const figures = [...live.querySelectorAll("dd")];
const minutes = live.dataset.minutes.split(" ").map(Number);
const names = new Intl.DisplayNames([document.documentElement.lang || "en"], { type: "region" });

function circle(at, kind, radius, robot) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "circle");
  for (const [name, value] of Object.entries({ cx: at[0], cy: at[1], r: radius, class: robot ? `${kind} robot` : kind })) {
    made.setAttribute(name, value);
  }
  made.addEventListener("animationend", () => made.remove());
  dots.append(made);
}

function light(click) {
  const at = MIDDLES[click.country];
  if (!at) return;
  circle(at, "dot", 5, click.robot);
  circle(at, "pulse", 6, click.robot);
  while (dots.children.length > DOTS) dots.firstChild.remove();
}

function part(tag, text, kind = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function write(click) {
  const line = document.createElement("li");
  const link = part("a", click.slug);
  link.href = `/links/${click.id}/visits`;
  line.append(link);
  if (click.robot) line.append(part("span", click.robot === "bot" ? "robot" : "preview", "badge"));
  const country = click.country ? names.of(click.country) : "";
  const what = [country, click.browser, click.os || click.device, click.referrer].filter(Boolean);
  line.append(part("span", what.join(" · "), "live-what"));
  line.append(part("span", new Date(click.at).toLocaleTimeString(), "live-when muted small"));
  list.prepend(line);
  while (list.children.length > LINES) list.lastChild.remove();
  document.querySelector("#none").hidden = true;
}

function show() {
  [1, 5, minutes.length].forEach((span, place) => {
    figures[place].textContent = minutes.slice(-span).reduce((sum, some) => sum + some, 0).toLocaleString("en");
  });
}

function listen() {
  const source = new EventSource(`/links/live/stream?link=${live.dataset.link}`);
  source.addEventListener("open", () => (live.dataset.live = "yes"));
  source.addEventListener("message", (message) => {
    const click = JSON.parse(message.data);
    // What was left out may have gone to other links, so it counts only where all of them are shown.
    minutes[minutes.length - 1] += 1 + (live.dataset.link === "0" ? click.skipped : 0);
    light(click);
    write(click);
    show();
  });
  addEventListener("pagehide", () => source.close());
}

setInterval(() => {
  minutes.shift();
  minutes.push(0);
  show();
}, 60_000);
setTimeout(listen, 300);
