// <form data-upload>: files are sent with a progress bar, and may be dropped on the form. Without script it is a form.
import { toast } from "./toast.js";

export function send(url, body, { method = "POST", headers = {}, onProgress = () => {} } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => event.lengthComputable && onProgress(event.loaded, event.total));
    request.addEventListener("load", () => (request.status < 400 ? resolve(request) : reject(new Error(explain(request)))));
    request.addEventListener("error", () => reject(new Error("The connection broke. Try again.")));
    request.addEventListener("abort", () => reject(new Error("Stopped.")));
    request.send(body);
  });
}

function explain(request) {
  try {
    return JSON.parse(request.responseText).detail;
  } catch {
    return `The server answered ${request.status}.`;
  }
}

async function upload(form) {
  const bar = form.querySelector("progress");
  const button = form.querySelector("[type=submit]");
  const status = form.querySelector("[data-status]");
  bar.hidden = status.hidden = false;
  button.disabled = true;
  try {
    const answer = await send(form.action, new FormData(form), {
      headers: { accept: "text/html, application/problem+json" },
      onProgress: (done, total) => {
        bar.max = total;
        bar.value = done;
        status.textContent = done < total ? `${Math.floor((100 * done) / total)} %` : "Almost there…";
      },
    });
    location.assign(answer.responseURL || location.href);
  } catch (error) {
    toast(error.message, "bad");
    status.textContent = error.message;
    bar.hidden = true;
    button.disabled = false;
  }
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-upload]")) return;
  event.preventDefault();
  upload(event.target);
});

for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    const form = event.target.closest?.("form[data-upload]");
    if (!form || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    form.classList.toggle("over", name === "dragover");
    if (name !== "drop") return;
    form.querySelector("input[type=file]").files = event.dataTransfer.files;
    form.requestSubmit();
  });
}
