// <figure data-chart="/url">: a chart over time by uPlot, in the colours of the page.
const COLOURS = ["--accent", "--warn", "--muted", "--bad"];

function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

async function draw(figure) {
  const answer = await fetch(figure.dataset.chart, { headers: { accept: "application/json" } });
  if (!answer.ok) return;
  const data = await answer.json();
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  const series = data.series.map(({ label }, index) => ({
    label,
    stroke: colour(COLOURS[index % COLOURS.length]),
    width: 2,
    fill: index === 0 ? colour("--accent-soft") : undefined,
    points: { show: false },
  }));
  const size = () => ({ width: figure.clientWidth, height: 240 });
  const options = { ...size(), series: [{}, ...series], axes: [axis, { ...axis, size: 44 }], scales: { y: { range: (_, __, high) => [0, Math.max(high * 1.1, 4)] } } };
  figure.replaceChildren();
  const plot = new window.uPlot(options, [data.times, ...data.series.map(({ values }) => values)], figure);
  new ResizeObserver(() => plot.setSize(size())).observe(figure);
}

function drawAll() {
  for (const figure of document.querySelectorAll("[data-chart]")) draw(figure);
}

drawAll();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
document.addEventListener("fazt:redraw", drawAll);
