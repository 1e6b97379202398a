// On every page: what attributes ask for. Nothing here is needed to read a page.
import "./copy.js";
import "./dialog.js";
import "./finder.js";
import "./share.js";
import "./times.js";
import "./upload.js";
import { watchTheme } from "./theme.js";

watchTheme();
if (document.querySelector(".connect")) import("./connect.js");

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
