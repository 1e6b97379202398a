// <svg data-spark='[values]' data-of="topic">: a small line that follows a topic, for tiles.
import { onPoint } from "./live.js";

const MOST = 120;

function draw(svg, values) {
  const low = Math.min(...values);
  const span = Math.max(...values) - low || 1;
  const step = 100 / Math.max(values.length - 1, 1);
  const path = values.map((value, place) => `${place ? "L" : "M"}${(place * step).toFixed(2)} ${(28 - (26 * (value - low)) / span).toFixed(2)}`);
  svg.querySelector("path").setAttribute("d", path.join(""));
}

for (const svg of document.querySelectorAll("[data-spark]")) {
  const values = JSON.parse(svg.dataset.spark);
  if (values.length) draw(svg, values);
  onPoint(svg.dataset.of, (_, value) => {
    values.push(value);
    if (values.length > MOST) values.shift();
    draw(svg, values);
  });
}
