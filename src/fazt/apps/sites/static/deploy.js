// <form data-deploy="name">: a folder or an archive, dropped or chosen, becomes the next version of a site.
// Folders travel as one tar, made here without reading the files into memory. Without script, a zip by the form.
import { toast } from "/static/ui/toast.js";
import { send } from "/static/ui/upload.js";

const LEFT_BEHIND = new Set([".git", "node_modules", ".DS_Store", ".hg", ".svn", "__MACOSX", "Thumbs.db"]);
const isLeftBehind = (name) => LEFT_BEHIND.has(name) || name === ".env" || name.startsWith(".env.");
const text = new TextEncoder();

function header(name, size, kind) {
  const block = new Uint8Array(512);
  const put = (value, at) => block.set(text.encode(value), at);
  const octal = (value, width) => value.toString(8).padStart(width - 1, "0");
  block.set(name.subarray(0, 100), 0);
  put("0000644", 100);
  put(octal(size, 12), 124);
  put("00000000000", 136);
  put(kind, 156);
  put("ustar\x0000", 257);
  put("        ", 148);
  put(`${octal(block.reduce((sum, byte) => sum + byte, 0), 7)}\0 `, 148);
  return block;
}

const padding = (size) => new Uint8Array((512 - (size % 512)) % 512);

function longName(path) {
  const record = (length) => text.encode(`${length} path=${path}\n`);
  let length = record(0).length;
  while (record(length).length !== length) length = record(length).length;
  const body = record(length);
  return [header(text.encode("long"), body.length, "x"), body, padding(body.length)];
}

function makeTar(files) {
  const parts = [];
  for (const [path, file] of files) {
    const name = text.encode(path);
    if (name.length > 100) parts.push(...longName(path));
    parts.push(header(name, file.size, "0"), file, padding(file.size));
  }
  return new Blob([...parts, new Uint8Array(1024)]);
}

async function readEntry(entry, base, files) {
  if (isLeftBehind(entry.name)) return;
  const path = base + entry.name;
  if (entry.isFile) {
    files.push([path, await new Promise((resolve, reject) => entry.file(resolve, reject))]);
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return;
    for (const child of some) await readEntry(child, `${path}/`, files);
  }
}

const isArchive = (name) => /\.(zip|tar|tgz|tar\.gz)$/i.test(name);

// One folder is the site itself, so its own name is no part of the paths.
function withoutTop(files) {
  const tops = new Set(files.map(([path]) => path.split("/")[0]));
  const isOne = tops.size === 1 && files.every(([path]) => path.includes("/"));
  return isOne ? files.map(([path, file]) => [path.slice(path.indexOf("/") + 1), file]) : files;
}

// Whoever drops a folder before naming the site gets its name, and one that no other site has.
function nameFor(form, source) {
  const plain = source.replace(/\.(zip|tar|tgz|tar\.gz)$/i, "").toLowerCase();
  const wanted = plain.replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 50) || "site";
  const taken = new Set((form.dataset.taken ?? "").split(" "));
  let name = wanted;
  for (let n = 2; taken.has(name); n += 1) name = `${wanted}-${n}`;
  return name;
}

function sourceOfDrop(data) {
  const entry = data.items.length === 1 ? data.items[0].webkitGetAsEntry?.() : null;
  return entry && (entry.isDirectory || isArchive(entry.name)) ? entry.name : "";
}

async function bodyOfDrop(data) {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (data.files.length === 1 && isArchive(data.files[0].name)) return data.files[0];
  if (!entries.length) return bodyOfFolder(data.files);
  const files = [];
  for (const entry of entries) await readEntry(entry, "", files);
  return makeTar(withoutTop(files));
}

function bodyOfFolder(list) {
  const files = [...list].map((file) => [file.webkitRelativePath || file.name, file]);
  return makeTar(withoutTop(files.filter(([path]) => !path.split("/").some(isLeftBehind))));
}

async function deploy(form, body, source = "") {
  const field = form.querySelector("[name=name]");
  if (field && !field.value.trim()) field.value = nameFor(form, source);
  const name = (form.dataset.deploy || field?.value || "").trim().toLowerCase();
  const bar = form.querySelector("progress");
  const status = form.querySelector("[data-status]");
  const buttons = form.querySelectorAll("button");
  bar.hidden = status.hidden = false;
  for (const button of buttons) button.disabled = true;
  try {
    const answer = await send(`/api/v1/sites/${encodeURIComponent(name)}?source=page`, await body, {
      method: "PUT",
      headers: { accept: "application/json" },
      onProgress: (done, total) => {
        bar.max = total;
        bar.value = done;
        status.textContent = done < total ? `${Math.floor((100 * done) / total)} %` : "Unpacking…";
      },
    });
    const report = JSON.parse(answer.responseText);
    for (const warning of report.warnings) toast(warning, "warn");
    status.textContent = report.is_new ? `Version ${report.version.number} is shown.` : "Nothing has changed.";
    setTimeout(() => location.assign(`/sites/${report.site}`), report.warnings.length ? 4000 : 300);
  } catch (error) {
    status.textContent = error.message;
    toast(error.message, "bad");
    bar.hidden = true;
    for (const button of buttons) button.disabled = false;
  }
}

for (const form of document.querySelectorAll("form[data-deploy]")) {
  const zone = form.querySelector("[data-zone]");
  const inputs = { folder: form.querySelector("[data-folder]"), archive: form.querySelector("[data-archive]") };
  for (const button of form.querySelectorAll("[data-choose]")) {
    button.addEventListener("click", () => inputs[button.dataset.choose].click());
  }
  inputs.folder.addEventListener("change", () => inputs.folder.files.length && deploy(form, bodyOfFolder(inputs.folder.files), inputs.folder.files[0].webkitRelativePath.split("/")[0]));
  inputs.archive.addEventListener("change", () => inputs.archive.files.length && deploy(form, inputs.archive.files[0], inputs.archive.files[0].name));
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const name of ["dragover", "dragleave", "drop"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.toggle("over", name === "dragover");
      if (name === "drop") deploy(form, bodyOfDrop(event.dataTransfer), sourceOfDrop(event.dataTransfer));
    });
  }
}
