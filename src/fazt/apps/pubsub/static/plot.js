// <figure data-plot='[[times],[values]]' data-of="topic">: numbers of a topic over time, by uPlot.
import { onPoint } from "./live.js";

const MOST = 2000;

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name) && probe(`var(${name})`);
}

function probe(value) {
  const dot = document.createElement("i");
  dot.style.color = value;
  document.body.append(dot);
  const found = getComputedStyle(dot).color;
  dot.remove();
  return found;
}

function draw(figure, data) {
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  const size = () => ({ width: figure.clientWidth, height: figure.clientHeight || 240 });
  const line = { label: figure.dataset.of, stroke: colour("--accent"), width: 2, fill: colour("--accent-soft"), points: { show: data[0].length < 40 } };
  const options = { ...size(), series: [{}, line], axes: [axis, { ...axis, size: 52 }], legend: { show: false } };
  figure.replaceChildren();
  const plot = new window.uPlot(options, data, figure);
  new ResizeObserver(() => plot.setSize(size())).observe(figure);
  return plot;
}

for (const figure of document.querySelectorAll("[data-plot]")) {
  const data = JSON.parse(figure.dataset.plot);
  let plot = draw(figure, data);
  onPoint(figure.dataset.of, (at, value) => {
    data[0].push(at);
    data[1].push(value);
    if (data[0].length > MOST) data.forEach((list) => list.shift());
    plot.setData(data);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { plot = draw(figure, data); });
}
