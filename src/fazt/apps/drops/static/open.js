// A drop that was encrypted by its sender: names, previews and downloads, all decrypted in this browser.
import { toast } from "/static/ui/toast.js";
import { fromBase64, isPossible, openBytes, openRemote } from "./crypt.js";
import { sizeOf } from "./chosen.js";

const PREVIEW_MOST = 32 << 20;
const MEMORY_MOST = 1 << 30;
const IMAGES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp", "image/svg+xml"]);

const root = document.querySelector("[data-encrypted]");
const known = JSON.parse(root.dataset.encrypted);
const place = root.querySelector("[data-files]");
const fault = root.querySelector("[data-fault]");

function fail(message) {
  fault.querySelector("p").textContent = message;
  fault.hidden = false;
  root.querySelector("[data-waiting]").hidden = true;
}

async function worker() {
  if (!navigator.serviceWorker) return null;
  try {
    await navigator.serviceWorker.register("/d/sw.js", { scope: "/d/" });
    return (await navigator.serviceWorker.ready).active;
  } catch {
    return null;
  }
}

const tell = (active, message) =>
  new Promise((resolve) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = resolve;
    active.postMessage(message, [channel.port2]);
  });

async function save(file) {
  const active = await worker();
  const name = file.name.split("/").pop();
  if (!active) return saveFromMemory(file, name);
  const job = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  await tell(active, { job, url: file.url, key: file.key, salt: file.salt, size: file.size, name });
  const frame = document.createElement("iframe");
  frame.hidden = true;
  frame.src = `/d/-/${job}/${encodeURIComponent(name)}`;
  document.body.append(frame);
  const awake = setInterval(() => tell(active, {}), 10_000); // some browsers stop a worker that hears nothing
  addEventListener("pagehide", () => clearInterval(awake), { once: true });
  return null;
}

async function read(file, most) {
  if (file.size > most) throw new Error("This browser cannot save a file of this size. Use another, or `fazt drop get`.");
  const parts = [];
  for await (const piece of openRemote(file)) parts.push(piece);
  return parts;
}

async function saveFromMemory(file, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(await read(file, MEMORY_MOST)));
  link.download = name;
  link.click();
}

async function preview(file, box) {
  const kind = IMAGES.has(file.type) ? "img" : file.type.startsWith("video/") ? "video" : file.type.startsWith("audio/") ? "audio" : "pre";
  const blob = new Blob(await read(file, PREVIEW_MOST), { type: kind === "pre" ? "text/plain" : file.type });
  const shown = document.createElement(kind);
  if (kind === "pre") {
    shown.className = "highlight";
    shown.tabIndex = 0;
    shown.textContent = await blob.text();
  } else {
    shown.src = URL.createObjectURL(blob);
    if (kind === "img") shown.alt = file.name;
    else shown.controls = true;
  }
  box.replaceChildren(shown);
  box.hidden = false;
}

const isShown = (file) =>
  file.size <= PREVIEW_MOST && (IMAGES.has(file.type) || /^(video|audio|text)\//.test(file.type) || /\.(md|txt|log|json|csv)$/i.test(file.name));

function rowOf(file) {
  const row = root.querySelector("template").content.cloneNode(true);
  row.querySelector("[data-name]").textContent = file.name;
  row.querySelector("[data-size]").textContent = sizeOf(file.size);
  const run = (button, act) =>
    button.addEventListener("click", async () => {
      button.setAttribute("aria-busy", "true");
      try {
        await act();
      } catch (error) {
        toast(error.message, "bad");
      }
      button.removeAttribute("aria-busy");
    });
  const get = row.querySelector("[data-get]");
  get.setAttribute("aria-label", `Download ${file.name}`);
  run(get, () => save(file));
  const look = row.querySelector("[data-look]");
  look.setAttribute("aria-label", `Show ${file.name}`);
  look.hidden = !isShown(file) || root.dataset.limited === "yes";
  const box = row.querySelector("[data-preview]");
  run(look, () => preview(file, box));
  return row;
}

async function open() {
  if (!isPossible()) return fail("This browser decrypts only on pages with HTTPS. Open the link there, or use `fazt drop get`.");
  let key;
  let listing;
  try {
    key = fromBase64(location.hash.slice(1));
    if (key.length !== 16) throw new Error();
  } catch {
    return fail("The link has no key behind its #. Copy the whole link.");
  }
  try {
    listing = JSON.parse(new TextDecoder().decode(await openBytes(key, fromBase64(known.sealed))));
  } catch {
    return fail("The key in the link does not fit. Was it copied whole?");
  }
  root.querySelector("[data-title]").textContent = listing.title || "Files for you";
  document.title = `${listing.title || "Files for you"} · fazt`;
  const note = root.querySelector("[data-note]");
  note.textContent = listing.note;
  note.hidden = !listing.note;
  known.files.forEach(({ position, path }) => {
    const said = listing.files[position];
    const url = `/d/${known.id}/${path.split("/").map(encodeURIComponent).join("/")}`;
    if (said) place.append(rowOf({ ...said, url, key, salt: fromBase64(said.salt) }));
  });
  root.querySelector("[data-waiting]").hidden = true;
  place.hidden = false;
  return null;
}

open();
addEventListener("hashchange", () => location.reload());
