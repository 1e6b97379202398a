// A message stands in a frame where nothing can run; its height is measured from here.
function fit(frame) {
  const root = frame.contentDocument?.documentElement;
  if (!root) return;
  frame.style.height = "0";
  frame.style.height = `${Math.min(root.scrollHeight + 4, 20000)}px`;
}

for (const frame of document.querySelectorAll("iframe.body")) {
  frame.addEventListener("load", () => fit(frame));
  if (frame.contentDocument?.readyState === "complete") fit(frame);
  frame.closest("details")?.addEventListener("toggle", () => fit(frame));
  new ResizeObserver(() => fit(frame)).observe(frame.parentElement);
}
