// Bringing back, deleting for good, ending links.
import { confirm } from "/static/ui/dialog.js";
import { toast } from "/static/ui/toast.js";

async function call(method, address, body = undefined) {
  const headers = body ? { "content-type": "application/json" } : {};
  const answer = await fetch(`/api/v1/drive/${address}`, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).detail || `The server answered ${answer.status}.`);
  return answer;
}

// With the last row goes its table: the page says what an empty one means.
async function take(row) {
  const isLast = row.parentElement.rows.length === 1;
  row.remove();
  if (!isLast) return;
  const answer = await fetch(location.pathname);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
  document.querySelector("main").replaceChildren(...fresh.childNodes);
}

async function act(button) {
  const { bring, forget, end } = button.dataset;
  if (bring) {
    const [path] = await (await call("POST", "trash/restore", { ids: [Number(bring)] })).json();
    toast(`It is at ${path} again.`);
    await take(button.closest("tr"));
    return;
  }
  if (forget !== undefined) {
    const what = forget ? "this for good" : "everything in the trash for good";
    if (!(await confirm(`Delete ${what}?`, "Delete", true))) return;
    await call("POST", "trash/forget", { ids: forget ? [Number(forget)] : [] });
    location.reload();
  }
  if (end) {
    await call("DELETE", `shares/${end}`);
    await take(button.closest("tr"));
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-bring], [data-forget], [data-end]");
  if (button) act(button).catch((error) => toast(error.message, "bad"));
});
