// A short message at the edge of the page, read out by screen readers.
const SECONDS = 5;

export function toast(message, kind = "") {
  const place = document.querySelector(".toasts");
  if (!place) return;
  const box = document.createElement("div");
  box.className = `toast ${kind}`;
  box.textContent = message;
  place.append(box);
  setTimeout(() => box.remove(), SECONDS * 1000);
}
