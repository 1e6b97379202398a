// Sends a file of documents as it is, with a bar, and says what came of it.
import { send } from "/static/ui/upload.js";
import { toast } from "/static/ui/toast.js";

const form = document.querySelector("[data-import]");
const input = form.querySelector("input");
const bar = form.querySelector("progress");
const status = form.querySelector("[data-status]");
const button = form.querySelector("button");
form.hidden = false;

function describe({ created = 0, replaced = 0, failed = 0, problems = [] }) {
  const parts = [[created, "new"], [replaced, "replaced"], [failed, "refused"]];
  const counts = parts.filter(([count]) => count).map(([count, word]) => `${count} ${word}`);
  const first = problems[0];
  return `${counts.join(", ") || "Nothing in it"}.${first ? ` Line ${first.line}: ${first.problem}` : ""}`;
}

async function load(file) {
  const type = file.name.toLowerCase().endsWith(".csv") ? "text/csv" : "application/x-ndjson";
  bar.hidden = status.hidden = false;
  button.disabled = true;
  try {
    const answer = await send(form.dataset.import, file, {
      headers: { "content-type": type, accept: "application/json" },
      onProgress: (done, total) => {
        bar.max = total;
        bar.value = done;
        status.textContent = `${Math.floor((100 * done) / total)} %`;
      },
    });
    status.textContent = describe(JSON.parse(answer.responseText));
    form.reset();
  } catch (error) {
    toast(error.message, "bad");
    status.textContent = error.message;
  } finally {
    bar.hidden = true;
    button.disabled = false;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (input.files[0]) load(input.files[0]);
});
for (const name of ["dragover", "dragleave", "drop"]) {
  form.addEventListener(name, (event) => {
    event.preventDefault();
    form.classList.toggle("over", name === "dragover");
    if (name === "drop" && event.dataTransfer.files[0]) load(event.dataTransfer.files[0]);
  });
}
