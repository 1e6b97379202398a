// A thing's shares in a dialog.
import { toast } from "./toast.js";

function build() {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-label", "Share by link");
  dialog.setAttribute("closedby", "any");
  const top = document.createElement("header");
  const title = document.createElement("h2");
  title.textContent = "Share by link";
  const close = document.createElement("button");
  close.type = "button";
  close.className = "button quiet small";
  close.textContent = "Close";
  close.addEventListener("click", () => dialog.close());
  top.append(title, close);
  const body = document.createElement("div");
  dialog.append(top, body);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("submit", (event) => {
    const form = event.target;
    event.preventDefault();
    event.stopPropagation();
    const data = new URLSearchParams(new FormData(form));
    data.set("part", "dialog");
    fill(dialog, body, form.action, { method: "POST", body: data });
  });
  document.body.append(dialog);
  return { dialog, body };
}

async function fill(dialog, body, url, options = {}) {
  try {
    const answer = await fetch(url, options);
    const text = await answer.text();
    if (!text.includes("data-share-form")) throw new Error("This cannot be shared.");
    body.innerHTML = text;
    if (!dialog.open) dialog.showModal();
  } catch (error) {
    dialog.remove();
    toast(error.message, "bad");
  }
}

export function share(url) {
  const { dialog, body } = build();
  return fill(dialog, body, `${url}&part=dialog`);
}

export const shareThing = (app, target) => share(`/shares/of?${new URLSearchParams({ app, target })}`);
