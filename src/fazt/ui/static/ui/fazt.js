// On every page: what attributes ask for. Nothing here is needed to read a page, and the rest comes when it is wanted.
import "./copy.js";
import "./times.js";

if (document.querySelector(".connect")) import("./connect.js");
if (document.querySelector("form[data-upload]")) import("./upload.js");
if (!("commandForElement" in HTMLButtonElement.prototype)) import("./commands.js");

const finder = document.querySelector(".finder input");
if (finder && document.activeElement === finder) import("./finder.js");
else finder?.addEventListener("focus", () => import("./finder.js"), { once: true });

// <a data-share href="/shares/of?app=…&target=…">: shares in a dialog. Without script the address is a page.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-share]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  import("./share.js").then(({ share }) => share(link.href), () => location.assign(link.href));
});

// <button data-confirm="question">: asked before it does what it does.
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-confirm]");
  if (!button || button.dataset.confirmed) return;
  event.preventDefault();
  event.stopPropagation();
  const { confirm } = await import("./dialog.js");
  const yes = button.textContent.trim() || button.title || "Yes";
  if (!(await confirm(button.dataset.confirm, yes, button.classList.contains("danger")))) return;
  button.dataset.confirmed = "1";
  button.click();
  delete button.dataset.confirmed;
}, true);

// Where one is stands in sight in tabs and menus that go on.
for (const here of document.querySelectorAll(".tabs [aria-current], .side [aria-current], .folders [aria-current]")) {
  const box = here.closest(".tabs, .side > div, .folders ul");
  const [at, end] = [here.getBoundingClientRect(), box.getBoundingClientRect()];
  box.scrollLeft += Math.max(0, at.right - end.right + 16);
  box.scrollTop += Math.max(0, at.bottom - end.bottom + 48);
}

// <select data-submit-on-change>: send its form when a choice is made.
document.addEventListener("change", (event) => {
  const field = event.target.closest?.("[data-submit-on-change]");
  if (field) field.form.requestSubmit();
});

// A form is sent once: its button rests until the answer is here.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method === "get" || form.method === "dialog" || form.matches("[data-upload]")) return;
  setTimeout(() => form.querySelectorAll("button[type=submit]").forEach((b) => b.setAttribute("aria-busy", "true")));
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const button of document.querySelectorAll("button[aria-busy]")) button.removeAttribute("aria-busy");
});

// "/" goes to the search box, as long as nobody is typing.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const boxes = document.querySelectorAll(".finder input, #f-q");
  const box = [...boxes].find((one) => one.offsetParent);
  if (!box) return;
  event.preventDefault();
  box.focus();
  box.select();
});
