// <form data-send>: files and texts to one drop, with progress, and with encryption where it is asked for.
import { toast } from "/static/ui/toast.js";
import { isPossible, random, sealBytes, Sealed, toBase64, fromBase64 } from "./crypt.js";
import { explain, send } from "./tus.js";
import { ofInput, ofTransfer, sizeOf } from "./chosen.js";

const PLAIN_MOST = 64 << 20;
const SEALED_MOST = 8 << 20;
const PENDING = "fazt-drop-pending";

async function api(method, path, body, headers = {}) {
  const answer = await fetch(`/api/v1/drops${path}`, {
    method,
    headers: { accept: "application/json", ...(body ? { "content-type": "application/json" } : {}), ...headers },
    body: body && JSON.stringify(body),
  });
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  throw new Error(explain({ status: answer.status, responseText: await answer.text() }));
}

class Sender {
  constructor(form) {
    this.form = form;
    this.items = [];
    this.find = (name) => form.querySelector(`[data-${name}]`);
    this.pending = JSON.parse(localStorage.getItem(PENDING) ?? "null");
    if (this.pending && this.pending.request !== form.dataset.request) this.pending = null;
    this.listen();
    this.show();
  }

  listen() {
    const { form } = this;
    const zone = this.find("zone");
    for (const kind of ["files", "folder"]) {
      const input = this.find(`input-${kind}`);
      this.find(`choose-${kind}`)?.addEventListener("click", () => input.click());
      input?.addEventListener("change", () => {
        this.add(ofInput(input.files));
        input.value = "";
      });
    }
    for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
      document.addEventListener(name, async (event) => {
        if (!event.dataTransfer?.types.includes("Files")) return;
        event.preventDefault();
        zone.classList.toggle("over", name === "dragenter" || name === "dragover");
        if (name === "drop") this.add(await ofTransfer(event.dataTransfer));
      });
    }
    document.addEventListener("paste", (event) => {
      const files = Array.from(event.clipboardData?.files ?? []);
      if (files.length) {
        event.preventDefault();
        this.add(files.map((file) => ({ file, path: file.name })));
      } else if (!event.target.closest("input, textarea")) {
        const area = form.elements.text;
        if (!area) return;
        this.find("paste").open = true;
        area.value += event.clipboardData?.getData("text/plain") ?? "";
        area.focus();
      }
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.find("forget")?.addEventListener("click", () => this.forget());
    if (!isPossible()) this.find("encrypt")?.remove();
  }

  add(items) {
    for (const item of items) {
      const twin = this.items.findIndex(({ path }) => path === item.path);
      if (twin >= 0) this.items[twin] = item;
      else this.items.push(item);
    }
    this.show();
  }

  show() {
    const list = this.find("chosen");
    list.replaceChildren();
    for (const item of this.items.slice(0, 200)) {
      const row = document.createElement("li");
      const name = Object.assign(document.createElement("span"), { className: "body", textContent: item.path });
      const size = Object.assign(document.createElement("span"), { className: "muted small", textContent: sizeOf(item.file.size) });
      const remove = Object.assign(document.createElement("button"), { type: "button", className: "button quiet small", textContent: "Remove" });
      remove.setAttribute("aria-label", `Remove ${item.path}`);
      remove.addEventListener("click", () => {
        this.items = this.items.filter((one) => one !== item);
        this.show();
      });
      row.append(name, size, remove);
      list.append(row);
    }
    list.hidden = !this.items.length;
    const total = this.items.reduce((sum, { file }) => sum + file.size, 0);
    this.find("total").textContent = this.items.length ? `${this.items.length} ${this.items.length === 1 ? "file" : "files"}, ${sizeOf(total)}` : "";
    const pending = this.find("pending");
    if (pending) pending.hidden = !this.pending;
  }

  options() {
    const { elements } = this.form;
    const value = (name) => elements[name]?.value.trim() ?? "";
    return {
      title: value("title"),
      note: value("note"),
      ...(value("expires_in") ? { lifetime_s: Number(value("expires_in")) } : {}),
      max_downloads: Number(value("max_downloads") || 0),
      password: elements.password?.value ?? "",
      is_sliding: elements.sliding?.checked ?? false,
      is_encrypted: elements.encrypted?.checked ?? false,
      request: this.form.dataset.request ?? "",
    };
  }

  gather() {
    const text = this.form.elements.text?.value ?? "";
    const items = [...this.items];
    if (text) {
      const path = this.form.elements.name?.value.trim() || "paste.txt";
      items.unshift({ file: new File([text], path, { type: "text/plain", lastModified: 0 }), path });
    }
    return items.map((item) => ({ ...item, mark: `${item.path}/${item.file.size}/${item.file.lastModified}` }));
  }

  async send() {
    const items = this.gather();
    if (!items.length) return toast("Choose a file, or write something.", "warn");
    this.busy(true);
    try {
      const draft = (await this.resume(items)) ?? (await this.begin(items));
      await this.sendAll(draft, items);
      const view = await api("POST", `/${draft.id}/finish`, null, { "x-owner-token": draft.token });
      localStorage.removeItem(PENDING);
      this.pending = null;
      await this.celebrate(draft, view);
    } catch (error) {
      toast(error.message, "bad");
      this.say(error.message);
      this.busy(false);
    }
    return null;
  }

  async resume(items) {
    if (!this.pending) return null;
    const known = new Set(Object.keys(this.pending.marks));
    if (known.size !== items.length || !items.every(({ mark }) => known.has(mark))) {
      await this.forget();
      return null;
    }
    try {
      await api("GET", `/${this.pending.id}`, null, { "x-owner-token": this.pending.token });
      return this.pending;
    } catch {
      return null;
    }
  }

  async begin(items) {
    const options = this.options();
    const draft = { marks: {}, request: this.form.dataset.request };
    items.forEach(({ mark }, position) => {
      draft.marks[mark] = { position };
    });
    if (options.is_encrypted) {
      const key = random(16);
      draft.key = toBase64(key);
      const files = items.map(({ file, path, mark }) => {
        draft.marks[mark].salt = toBase64(random(16));
        return { name: path, size: file.size, type: file.type, salt: draft.marks[mark].salt };
      });
      const listing = { version: 1, title: options.title, note: options.note, files };
      options.sealed = toBase64(await sealBytes(key, new TextEncoder().encode(JSON.stringify(listing))));
      options.title = options.note = "";
    }
    const made = await api("POST", "", options);
    Object.assign(draft, { id: made.id, url: new URL(`/d/${made.id}`, location.href).href, token: made.owner_token });
    this.keep(draft);
    return draft;
  }

  keep(draft) {
    this.pending = draft;
    localStorage.setItem(PENDING, JSON.stringify(draft));
  }

  async forget() {
    const draft = this.pending;
    this.pending = null;
    localStorage.removeItem(PENDING);
    this.show();
    if (draft) await api("DELETE", `/${draft.id}`, null, { "x-owner-token": draft.token }).catch(() => {});
  }

  async sendAll(draft, items) {
    const sources = items.map((item) => ({ ...item, ...this.sourceOf(draft, item) }));
    const total = sources.reduce((sum, { source }) => sum + source.size, 0);
    let before = 0;
    for (const { source, mark, path, file } of sources) {
      const known = draft.marks[mark];
      if (!known.isDone) {
        const metadata = { drop: draft.id, position: known.position, path: draft.key ? `${known.position}` : path };
        if (!draft.key && file.type) metadata.filetype = file.type;
        await send(source, {
          metadata,
          headers: { "x-owner-token": draft.token },
          most: draft.key ? SEALED_MOST : PLAIN_MOST,
          known: known.upload,
          onUrl: (url) => {
            known.upload = url;
            this.keep(draft);
          },
          onProgress: (sent) => this.progress(before + sent, total),
          onTrouble: (trouble) => this.say(trouble),
        });
        known.isDone = true;
        this.keep(draft);
      }
      before += source.size;
      this.progress(before, total);
    }
  }

  sourceOf(draft, { file, mark }) {
    if (draft.key) return { source: new Sealed(file, fromBase64(draft.key), fromBase64(draft.marks[mark].salt)) };
    return { source: { size: file.size, slice: (from, most) => file.slice(from, from + most) } };
  }

  progress(done, total) {
    const bar = this.find("bar");
    bar.max = total || 1;
    bar.value = total ? done : 1;
    const now = performance.now();
    this.started ??= { at: now, done };
    const speed = (done - this.started.done) / Math.max(1, now - this.started.at) * 1000;
    const left = speed > 0 && now - this.started.at > 2000 ? `, ${sizeOf(Math.round(speed))}/s` : "";
    if (!this.trouble) this.say(`${Math.floor((100 * done) / (total || 1))} % of ${sizeOf(total)}${left}`, false);
  }

  say(text, isTrouble = true) {
    this.trouble = isTrouble ? text : "";
    this.find("status").textContent = text;
  }

  busy(isBusy) {
    this.find("bar").hidden = !isBusy;
    this.find("status").hidden = false;
    this.started = undefined;
    for (const element of this.form.querySelectorAll("button, input, select, textarea")) element.disabled = isBusy;
    this.guard ??= (event) => event.preventDefault();
    if (isBusy) addEventListener("beforeunload", this.guard);
    else removeEventListener("beforeunload", this.guard);
  }

  async celebrate(draft, view) {
    removeEventListener("beforeunload", this.guard);
    if (draft.request) return location.assign(`/d/r/${draft.request}?sent=1`);
    const link = draft.url + (draft.key ? `#${draft.key}` : "");
    const panel = document.querySelector("[data-sent]");
    panel.querySelector("[data-link]").textContent = link;
    const open = panel.querySelector("[data-open]");
    open.href = link;
    const manage = panel.querySelector("[data-manage]");
    if (manage) manage.href = `/drops/${draft.id}`;
    const ends = panel.querySelector("[data-ends]");
    ends.dateTime = new Date(view.expires_at).toISOString();
    ends.textContent = new Date(view.expires_at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
    panel.querySelector("[data-key-note]").hidden = !draft.key;
    const { renderSVG } = await import("/static/vendor/qr.js");
    const drawing = new DOMParser().parseFromString(renderSVG(link, { border: 1 }), "image/svg+xml").documentElement;
    panel.querySelector("[data-qr]").replaceChildren(drawing);
    this.form.hidden = true;
    panel.hidden = false;
    panel.querySelector("h2").focus();
    await freshList();
    return null;
  }
}

// The list below the form has the new drop, too.
async function freshList() {
  const list = document.querySelector("[data-drops]");
  const answer = list && (await fetch(location.pathname).catch(() => null));
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-drops]");
  if (fresh) list.replaceChildren(...fresh.childNodes);
}

for (const form of document.querySelectorAll("form[data-send]")) new Sender(form);
