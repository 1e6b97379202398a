// The file manager: choosing, renaming, moving, deleting, sharing, and files that are dropped on the page.
import { confirm } from "/static/ui/dialog.js";
import { shareThing } from "/static/ui/share.js";
import { toast } from "/static/ui/toast.js";
import { readDropped, upload } from "./upload.js";

const drive = document.getElementById("drive");
const list = document.getElementById("files");
const bar = document.getElementById("chosen");
const join = (folder, name) => `${folder === "/" ? "" : folder.replace(/\/$/, "")}/${name}`;
const above = (path) => path.slice(0, path.lastIndexOf("/")) || "/";

async function call(method, address, body = undefined) {
  const options = { method, headers: body ? { "content-type": "application/json" } : {}, body: body && JSON.stringify(body) };
  const answer = await fetch(`/api/v1/drive/${address}`, options);
  const text = await answer.text();
  const data = text ? JSON.parse(text) : null;
  if (!answer.ok) throw new Error(data?.detail || `The server answered ${answer.status}.`);
  return data;
}

async function attempt(work) {
  try {
    await work();
  } catch (error) {
    toast(error.message, "bad");
  }
}

// --- choosing

const ticks = () => Array.from(list?.querySelectorAll("input[type=checkbox]") ?? []);
const rowOf = (tick) => tick.closest("li");
const chosen = () => (list ? ticks().filter((tick) => tick.checked).map((tick) => rowOf(tick).dataset) : [{ path: drive.dataset.file, name: drive.dataset.name }]);

function showChosen() {
  if (!bar || !list) return;
  const rows = chosen();
  bar.hidden = rows.length === 0;
  bar.querySelector("[data-count]").textContent = rows.length === 1 ? rows[0].name : `${rows.length} chosen`;
  for (const name of ["rename", "share"]) {
    const button = bar.querySelector(`[data-do=${name}]`);
    if (button) button.hidden = rows.length !== 1;
  }
  for (const old of bar.querySelectorAll("input[name=path]")) old.remove();
  for (const row of rows) {
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = "path";
    field.value = row.path;
    bar.append(field);
  }
}

let last = null;
list?.addEventListener("click", (event) => {
  const tick = event.target.closest("input[type=checkbox]");
  if (!tick) return;
  const all = ticks();
  if (event.shiftKey && last) {
    const [from, to] = [all.indexOf(last), all.indexOf(tick)].sort((a, b) => a - b);
    for (const one of all.slice(from, to + 1)) one.checked = tick.checked;
  }
  last = tick;
  showChosen();
});

function choose(isOn) {
  for (const tick of ticks()) tick.checked = isOn;
  showChosen();
}

document.addEventListener("keydown", (event) => {
  if (event.target.closest("input:not([type=checkbox]), textarea, select, dialog")) return;
  if (event.key === "Escape" && bar && !bar.hidden) choose(false);
  else if (event.key === "a" && (event.ctrlKey || event.metaKey) && list) {
    event.preventDefault();
    choose(true);
  } else if (event.key === "Delete" && chosen().length) attempt(ACTIONS.delete);
});

// --- what the buttons do

const dialog = (name) => document.getElementById(name);
let goal = "/";

async function showFolders(path) {
  goal = path;
  const form = drive.querySelector("[data-form=move]");
  form.querySelector("[data-where]").textContent = path;
  const taken = new Set(chosen().map((row) => row.path));
  const entries = (await call("GET", `list?path=${encodeURIComponent(path)}`)).filter((one) => one.is_folder && !taken.has(one.path));
  const rows = path === "/" || path === top() ? entries : [{ name: "↑", path: above(path), label: "Up" }, ...entries];
  form.querySelector("[data-folders]").replaceChildren(
    ...rows.map((entry) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = entry.label || entry.name;
      button.addEventListener("click", () => attempt(() => showFolders(entry.path)));
      const item = document.createElement("li");
      item.append(button);
      return item;
    }),
  );
}

const top = () => (drive.dataset.path?.startsWith("/shared:") ? drive.dataset.path.split("/").slice(0, 2).join("/") : "/");

const ACTIONS = {
  clear: () => choose(false),
  async delete() {
    const rows = chosen();
    const what = rows.length === 1 ? rows[0].name : `${rows.length} things`;
    if (!(await confirm(`Put ${what} into the trash?`, "Delete", true))) return;
    await call("POST", "delete", { paths: rows.map((row) => row.path) });
    if (list) location.reload();
    else location.assign(drive.dataset.up);
  },
  rename() {
    const field = dialog("rename").querySelector("input");
    field.value = chosen()[0].name;
    dialog("rename").showModal();
    const dot = field.value.lastIndexOf(".");
    field.setSelectionRange(0, dot > 0 ? dot : field.value.length);
  },
  async move() {
    await showFolders(top());
    dialog("move").showModal();
  },
  share: () => shareThing("drive", chosen()[0].id),
};

const FORMS = {
  async folder(form) {
    await call("POST", "folders", { path: join(drive.dataset.path, form.elements.name.value.trim()) });
    location.reload();
  },
  async rename(form) {
    const [row] = chosen();
    await call("POST", "move", { source: row.path, target: join(above(row.path), form.elements.name.value.trim()) });
    if (list) location.reload();
    else location.assign(join(drive.dataset.up, encodeURIComponent(form.elements.name.value.trim())));
  },
  async move() {
    for (const row of chosen()) await call("POST", "move", { source: row.path, target: join(goal, row.name) });
    location.reload();
  },
};

drive?.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.do) attempt(() => ACTIONS[button.dataset.do]());
  if (button.dataset.restore) {
    attempt(async () => {
      await call("POST", "versions/restore", { path: drive.dataset.file, version: Number(button.dataset.restore) });
      location.reload();
    });
  }
  if (button.dataset.end) {
    attempt(async () => {
      await call("DELETE", `shares/${button.dataset.end}`);
      location.reload();
    });
  }
});

drive?.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.form) return;
  event.preventDefault();
  attempt(async () => {
    await FORMS[form.dataset.form](form);
    form.closest("dialog").close();
  });
});

// --- files that come in

const panel = document.getElementById("uploads");
let isStopped = false;
let isBusy = false;

async function take(files) {
  if (!files.length || isBusy) return;
  isBusy = true;
  isStopped = false;
  panel.hidden = false;
  const [meter, status] = [panel.querySelector("progress"), panel.querySelector("[data-status]")];
  const onProgress = (done, total, path, count) => {
    meter.value = done / total;
    status.textContent = `${count} of ${files.length} · ${Math.floor((100 * done) / total)} % · ${path}`;
  };
  const { count, refused } = await upload(drive.dataset.dav, files, { onProgress, isStopped: () => isStopped });
  isBusy = false;
  if (!refused.length) {
    location.reload();
    return;
  }
  panel.querySelector("[data-title]").textContent = `${count} of ${files.length} are there`;
  status.textContent = refused.slice(0, 5).join(" · ");
  panel.querySelector("[data-stop]").textContent = "Close";
}

panel?.querySelector("[data-stop]").addEventListener("click", () => {
  isStopped = true;
  if (!isBusy) location.reload();
});
addEventListener("beforeunload", (event) => isBusy && event.preventDefault());
document.getElementById("choose-files")?.addEventListener("change", (event) => {
  take(Array.from(event.target.files, (file) => [file.webkitRelativePath || file.name, file]));
});

if (drive?.hasAttribute("data-may-write") && panel) {
  let depth = 0;
  const has = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragenter", (event) => has(event) && drive.classList.toggle("over", (depth += 1) > 0));
  addEventListener("dragleave", (event) => has(event) && drive.classList.toggle("over", (depth -= 1) > 0));
  addEventListener("dragover", (event) => has(event) && event.preventDefault());
  addEventListener("drop", async (event) => {
    if (!has(event)) return;
    event.preventDefault();
    depth = 0;
    drive.classList.remove("over");
    await attempt(async () => take(await readDropped(event.dataTransfer.items)));
  });
}
showChosen();
