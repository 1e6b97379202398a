// Topics, live: numbers, texts, logs and charts of a page follow what is published.
const root = document.querySelector("[data-live]");
const plots = new Map();

export function toNumber(data) {
  let value = data;
  if (typeof value === "string") {
    try { value = JSON.parse(value); } catch { return NaN; }
  }
  if (value && typeof value === "object") value = value.value;
  return typeof value === "number" ? value : NaN;
}

const toText = (data) => (typeof data === "string" ? data : JSON.stringify(data));

export function onPoint(topic, add) {
  plots.set(topic, [...(plots.get(topic) ?? []), add]);
}

function setTime(time, at) {
  time.dateTime = at;
  time.title = at;
  time.textContent = "just now";
}

function addLine(log, said) {
  const line = log.querySelector("template").content.firstElementChild.cloneNode(true);
  setTime(line.querySelector("time"), said.at);
  line.querySelector("[data-title]").textContent = said.title ?? "";
  line.querySelector("[data-body]").textContent = toText(said.data);
  log.querySelector("ol").prepend(line);
  while (log.querySelectorAll("li").length > 200) log.querySelector("li:last-child").remove();
}

function show(said) {
  const number = toNumber(said.data);
  for (const place of root.querySelectorAll(`[data-topic="${CSS.escape(said.topic)}"]`)) {
    for (const last of place.querySelectorAll("[data-last]")) {
      last.textContent = Number.isNaN(number) ? toText(said.data).slice(0, 300) : number;
    }
    for (const meter of place.querySelectorAll("meter")) if (!Number.isNaN(number)) meter.value = number;
    for (const time of place.querySelectorAll("[data-at]")) setTime(time, said.at);
    for (const log of place.querySelectorAll("[data-log]")) addLine(log, said);
    place.dataset.fresh = "";
    setTimeout(() => delete place.dataset.fresh, 900);
  }
  if (!Number.isNaN(number)) for (const add of plots.get(said.topic) ?? []) add(Date.parse(said.at) / 1000, number);
}

function connect() {
  const source = new EventSource(root.dataset.live);
  const state = document.querySelector("[data-state]");
  source.onopen = () => { if (state) state.hidden = true; };
  source.onerror = () => { if (state) state.hidden = false; };
  source.onmessage = (event) => show(JSON.parse(event.data));
}

if (root) connect();
