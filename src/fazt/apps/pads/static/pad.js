// The page of a pad: an editor on a Yjs document, in step with everybody else's and with this browser's own memory.

import {
  Compartment,
  defaultKeymap,
  defineLanguageFacet,
  drawSelection,
  EditorState,
  EditorView,
  GFM,
  HighlightStyle,
  highlightSelectionMatches,
  IndexeddbPersistence,
  indentWithTab,
  keymap,
  Language,
  parser,
  placeholder,
  searchKeymap,
  syntaxHighlighting,
  tags,
  WebsocketProvider,
  Y,
  yCollab,
  yUndoManagerKeymap,
} from "../vendor/pad.js";

const SAVED = 100; // the message that says how many of our changes are on disk
const OURS = "text";
const COLORS = ["#b3261e", "#9a5b00", "#52701a", "#0a6a5a", "#15669a", "#4a55b8", "#8a3ba8", "#a82e6a"];
const options = JSON.parse(document.body.dataset.pad);
const at = (id) => document.getElementById(id);
const base = `/pad/${options.name}`;
const withLink = (path) => path + (options.share ? `?share=${options.share}` : "");

// --- the document, its memory in this browser, and its connection

const doc = new Y.Doc();
const memory = new IndexeddbPersistence(`fazt-pad-${options.id}`, doc);
let sent = 0;
let saved = 0;
let isEnded = false;

class Counting extends WebSocket {
  constructor(...args) {
    super(...args);
    sent = saved = 0;
  }
  send(data) {
    if (data[0] === 0 && (data[1] === 1 || data[1] === 2)) sent += 1;
    super.send(data);
    tell();
  }
}

const provider = new WebsocketProvider(location.origin.replace(/^http/, "ws") + "/pad", `${options.name}/ws`, doc, {
  params: { saved: "1", ...(options.share ? { share: options.share } : {}) },
  WebSocketPolyfill: Counting,
  disableBc: true,
  maxBackoffTime: 5000,
});

const readNumber = (decoder) => {
  let number = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = decoder.arr[decoder.pos++];
    number += (byte & 127) * scale;
    if (byte < 128) return number;
  }
};
provider.messageHandlers[SAVED] = (_encoder, decoder) => {
  saved = readNumber(decoder);
  tell();
};

// --- what the page says of itself: "Saved" only when the server has said so

let hasUnsaved = false;
let changes = 0;
let kept = 0;
doc.on("update", (_update, origin) => {
  if (origin !== provider && origin !== memory) {
    hasUnsaved = true;
    changes += 1;
    if (!provider.wsconnected) noteKept();
  }
  tell();
});

// Transactions on one store end in their order: with this one, the browser has all changes until now.
function noteKept() {
  if (!memory.db) return;
  const upTo = changes;
  memory.db.transaction(["updates"], "readwrite").oncomplete = () => {
    kept = Math.max(kept, upTo);
    tell();
  };
}
memory.on("synced", noteKept);

function sayOffline() {
  if (!hasUnsaved) return "Offline";
  if (kept >= changes) return "Offline, kept here";
  return memory.db ? "Offline, keeping…" : "Offline, in this window only";
}

function say(text, kind) {
  const place = at("state");
  if (place.textContent !== text) place.textContent = text;
  place.dataset.kind = kind;
}

function tell() {
  if (isEnded) return;
  if (!provider.wsconnected) say(sayOffline(), "warn");
  else if (!options.mayWrite) say("Read only", "");
  else if (!provider.synced || saved < sent) say("Saving…", "");
  else {
    hasUnsaved = false;
    say("Saved", "good");
  }
}

function warn(text) {
  at("word").textContent = text;
  at("word").hidden = false;
}

provider.on("status", ({ status }) => {
  if (status === "disconnected") noteKept();
  tell();
});
provider.on("sync", tell);
provider.on("closed", ({ code, reason }) => {
  isEnded = true;
  say(code === 4413 ? "Not saved" : "Closed", "bad");
  warn(`${reason || "You may not open this pad any more."} ${hasUnsaved ? "What you wrote last is still in this window." : ""}`);
  if (code === 4413) {
    // Made smaller, it may be saved again.
    doc.once("update", () => {
      isEnded = false;
      at("word").hidden = true;
      provider.connect();
    });
  } else {
    editor.dispatch({ effects: writable.reconfigure(EditorState.readOnly.of(true)) });
    if (code === 4404) memory.clearData();
  }
});
addEventListener("beforeunload", (event) => {
  if (hasUnsaved && isEnded) event.preventDefault();
});

// --- who is here

const stored = (key) => {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
};
const color = COLORS[doc.clientID % COLORS.length];
const introduce = (name) =>
  provider.awareness.setLocalStateField("user", { name: name || "Guest", color, colorLight: `${color}33` });
introduce(options.who || stored("fazt-pad-name"));

at("my-name")?.addEventListener("input", (event) => {
  introduce(event.target.value.trim());
  try {
    localStorage.setItem("fazt-pad-name", event.target.value.trim());
  } catch {
    // a private window remembers nothing
  }
});
if (at("my-name")) at("my-name").value = stored("fazt-pad-name");

provider.awareness.on("change", () => {
  const others = [...provider.awareness.getStates()].filter(([id, state]) => id !== doc.clientID && state.user);
  const shown = others.slice(0, 8).map(([, { user }]) => {
    const person = document.createElement("li");
    const name = String(user.name || "Guest").slice(0, 40);
    person.textContent = [...name][0].toUpperCase();
    person.title = name;
    person.style.background = /^#[0-9a-f]{6}$/i.test(user.color) ? user.color : COLORS[0];
    return person;
  });
  if (others.length > 8) {
    const more = document.createElement("li");
    more.textContent = `+${others.length - 8}`;
    more.style.background = "var(--muted)";
    shown.push(more);
  }
  at("people").replaceChildren(...shown);
});

// --- the editor

const isDark = () => getComputedStyle(document.documentElement).colorScheme.includes("dark")
  ? document.documentElement.dataset.theme === "dark" || matchMedia("(prefers-color-scheme: dark)").matches
  : false;
const look = EditorView.theme({
  "&": { height: "100%", backgroundColor: "var(--surface)", color: "var(--text)", fontSize: "0.9375rem" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.6", overflow: "auto" },
  ".cm-content": { padding: "1rem max(1rem, calc(50% - 24rem))", caretColor: "var(--accent)" },
  ".cm-cursor": { borderLeftColor: "var(--accent)" },
  ".cm-placeholder": { color: "var(--muted)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--accent-soft)" },
  ".cm-panels": { backgroundColor: "var(--bg)", color: "var(--text)", borderColor: "var(--line)" },
  ".cm-ySelectionInfo": { fontFamily: "var(--font)", opacity: "1", fontSize: "0.6875rem", padding: "0 4px", borderRadius: "3px" },
});
// A paragraph is parsed anew as a whole after each key, so long ones are coloured in portions.
const PORTION_LINES = 40;
const isPortion = ({ content }) => {
  let lines = 1;
  for (let at = content.indexOf("\n"); at >= 0; at = content.indexOf("\n", at + 1)) lines += 1;
  return lines >= PORTION_LINES;
};
const portions = { parseBlock: [{ name: "Portion", endLeaf: (_context, _line, leaf) => isPortion(leaf) }] };
const markdown = new Language(defineLanguageFacet(), parser.configure([GFM, portions]), [], "markdown");
const colors = HighlightStyle.define([
  { tag: tags.heading, fontWeight: "700" },
  { tag: tags.strong, fontWeight: "700" },
  { tag: tags.emphasis, fontStyle: "italic" },
  { tag: tags.strikethrough, textDecoration: "line-through" },
  { tag: [tags.link, tags.url], color: "var(--accent)" },
  { tag: tags.monospace, color: "var(--good)" },
  { tag: tags.quote, color: "var(--muted)" },
  { tag: [tags.processingInstruction, tags.contentSeparator, tags.labelName], color: "var(--muted)" },
]);

// A foreign client may have called the text otherwise: whichever has something in it is the pad's.
function findText() {
  if (document.body.dataset.root) return doc.getText(document.body.dataset.root);
  const known = doc.getText(OURS);
  if (known.length) return known;
  const other = [...doc.share.keys()].sort().find((key) => key !== OURS && doc.getText(key).length);
  return other ? doc.getText(other) : known;
}

const writable = new Compartment();
let text = findText();
let editor;

function build() {
  const undo = new Y.UndoManager(text); // only what this window did
  editor?.destroy();
  editor = new EditorView({
    parent: at("editor"),
    state: EditorState.create({
      doc: text.toString(),
      extensions: [
        EditorView.cspNonce.of(document.body.dataset.nonce),
        EditorState.lineSeparator.of("\n"),
        look,
        EditorView.darkTheme.of(isDark()),
        drawSelection(),
        highlightSelectionMatches(),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": "Text of the pad", spellcheck: "true", autocapitalize: "sentences" }),
        placeholder("Write here. Everybody with this page open sees it."),
        markdown,
        syntaxHighlighting(colors),
        keymap.of([...yUndoManagerKeymap, ...searchKeymap, ...defaultKeymap, indentWithTab]),
        writable.of(EditorState.readOnly.of(!options.mayWrite)),
        yCollab(text, provider.awareness, { undoManager: undo }),
      ],
    }),
  });
}

function start() {
  if (!at("editor").hidden) return;
  text = findText();
  build();
  at("plain").hidden = true;
  if (at("opening")) at("opening").hidden = true;
  at("editor").hidden = false;
  at("preview-button").hidden = false;
  doc.on("update", () => {
    const found = text.length ? text : findText();
    if (found !== text) {
      text = found;
      build();
    }
    planPreview();
  });
}
// What this browser remembers is shown at once; else wait for the server, so that nothing jumps.
memory.on("synced", () => doc.store.clients.size && start());
provider.on("sync", (isSynced) => isSynced && start());

// --- the preview

let waiting = 0;
let shownTag = "";
async function showPreview() {
  const answer = await fetch(withLink(`${base}/preview`)).catch(() => null);
  if (!answer?.ok || answer.headers.get("etag") === shownTag) return;
  shownTag = answer.headers.get("etag");
  at("preview").innerHTML = await answer.text(); // the server has cleaned it
}
function planPreview() {
  if (at("preview").hidden) return;
  clearTimeout(waiting);
  waiting = setTimeout(showPreview, 300);
}
at("preview-button").addEventListener("click", () => {
  const place = at("preview");
  place.hidden = !place.hidden;
  at("preview-button").setAttribute("aria-pressed", String(!place.hidden));
  if (!place.hidden) showPreview();
});

globalThis.faztPad = { doc, provider, text: () => text.toString(), editor: () => editor };
