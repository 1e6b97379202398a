// Files and whole folders into the drive. Large files go in pieces, and go on where they were after any break: the
// pieces that have come stay on the server for a day, under a name made of the file's own path, size and date.
import { send } from "/static/ui/upload.js";

const PIECE = 8 * 1024 * 1024;
const TRIES = 6;

export const encode = (path) => path.split("/").map((name) => encodeURIComponent(name)).join("/");
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function retry(work, isStopped) {
  for (let tried = 1; ; tried += 1) {
    try {
      return await work();
    } catch (error) {
      if (isStopped() || tried >= TRIES || !/connection|50[0-9]|42[39]/.test(error.message)) throw error;
      await pause(500 * 2 ** tried);
    }
  }
}

async function ask(method, url, headers = {}, body = undefined) {
  const answer = await fetch(url, { method, headers, body });
  if (answer.status >= 400) {
    const text = await answer.text();
    const said = new DOMParser().parseFromString(text, "text/xml").querySelector("message")?.textContent;
    const error = new Error(said || `The server answered ${answer.status}.`);
    error.status = answer.status;
    throw error;
  }
  return answer;
}

async function nameOf(target, file) {
  const text = new TextEncoder().encode(`${target}\n${file.size}\n${file.lastModified}`);
  const sum = await crypto.subtle?.digest("SHA-256", text);
  if (!sum) return `page-${file.size}-${file.lastModified}-${target.length}`;
  return `page-${Array.from(new Uint8Array(sum).slice(0, 12), (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

async function piecesThere(base) {
  try {
    await ask("MKCOL", base);
    return new Map();
  } catch (error) {
    if (error.status !== 405) throw error;
  }
  const answer = await ask("PROPFIND", base, { depth: "1" });
  const tree = new DOMParser().parseFromString(await answer.text(), "text/xml");
  const sizes = new Map();
  for (const one of tree.getElementsByTagNameNS("DAV:", "response")) {
    const name = one.getElementsByTagNameNS("DAV:", "href")[0].textContent.split("/").pop();
    const size = one.getElementsByTagNameNS("DAV:", "getcontentlength")[0];
    if (name && size) sizes.set(name, Number(size.textContent));
  }
  return sizes;
}

async function sendPieces(target, file, onProgress, isStopped) {
  const base = `/dav/uploads/me/${await nameOf(target, file)}`;
  const there = await retry(() => piecesThere(base), isStopped);
  for (let start = 0; start < file.size; start += PIECE) {
    if (isStopped()) throw new Error("Stopped.");
    const end = Math.min(start + PIECE, file.size);
    const name = [start, end - 1].map((at) => String(at).padStart(15, "0")).join("-");
    if (there.get(name) !== end - start) {
      await retry(
        () => send(`${base}/${name}`, file.slice(start, end), { method: "PUT", onProgress: (done) => onProgress(start + done) }),
        isStopped,
      );
    }
    onProgress(end);
  }
  const headers = { destination: target, "x-oc-mtime": String(file.lastModified / 1000), "oc-total-length": String(file.size) };
  await retry(() => ask("MOVE", `${base}/.file`, headers), isStopped);
}

async function sendWhole(target, file, onProgress, isStopped) {
  const headers = { "x-oc-mtime": String(file.lastModified / 1000) };
  await retry(() => send(target, file, { method: "PUT", headers, onProgress }), isStopped);
}

async function makeFolders(base, path, made) {
  const names = path.split("/").slice(0, -1);
  for (let level = 1; level <= names.length; level += 1) {
    const folder = names.slice(0, level).join("/");
    if (made.has(folder)) continue;
    try {
      await ask("MKCOL", base + encode(folder));
    } catch (error) {
      if (error.status !== 405) throw error; // it is there already
    }
    made.add(folder);
  }
}

// `files` are pairs of path and File. Answers how many went, and what was refused.
export async function upload(base, files, { onProgress, isStopped }) {
  const made = new Set();
  const total = files.reduce((sum, [, file]) => sum + file.size, 0) || 1;
  const refused = [];
  let before = 0;
  let count = 0;
  for (const [path, file] of files) {
    if (isStopped()) break;
    const tell = (done) => onProgress(before + done, total, path, count);
    tell(0);
    try {
      await makeFolders(base, path, made);
      await (file.size > PIECE ? sendPieces : sendWhole)(base + encode(path), file, tell, isStopped);
      count += 1;
    } catch (error) {
      if (isStopped()) break;
      refused.push(`${path}: ${error.message}`);
    }
    before += file.size;
  }
  return { count, refused };
}

export async function readDropped(items) {
  const entries = Array.from(items, (item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const files = [];
  for (const entry of entries) await readEntry(entry, "", files);
  return files;
}

async function readEntry(entry, base, files) {
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
