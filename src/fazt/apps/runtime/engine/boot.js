// The inside of a function's process: what code finds there (db, fazt, env, console, fetch), and how it is called.
// Nothing here is trusted by the program: it checks every frame anew, and all that a frame can reach is this site's.
import { AsyncLocalStorage } from "node:async_hooks";
import { createMessage, runScript } from "./forms.js";

const { parse, stringify } = JSON;
const [folder, codeFolder] = Deno.args;
const bridgePath = `${folder}/b.sock`;
const servePath = `${folder}/s.sock`;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const inspect = Deno.inspect;
const InnerConsole = Deno[Deno.internal].Console;
const innerFetch = globalThis.fetch;
const runs = new AsyncLocalStorage();
const waiting = new Map();
let lastCall = 0;

// --- frames: four bytes of length, then JSON

const bridge = await Deno.connect({ transport: "unix", path: bridgePath });
let outbox = [];
let isWriting = false;

function send(frame) {
  const body = encoder.encode(stringify(frame));
  const head = new Uint8Array(4);
  new DataView(head.buffer).setUint32(0, body.length);
  outbox.push(head, body);
  if (!isWriting) {
    isWriting = true;
    queueMicrotask(write);
  }
}

async function write() {
  while (outbox.length) {
    const parts = outbox;
    outbox = [];
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    for (at = 0; at < whole.length;) at += await bridge.write(whole.subarray(at));
  }
  isWriting = false;
}

async function readFrames(take) {
  let buffer = new Uint8Array(65536);
  let used = 0;
  while (true) {
    if (used === buffer.length) {
      const larger = new Uint8Array(buffer.length * 2);
      larger.set(buffer);
      buffer = larger;
    }
    const count = await bridge.read(buffer.subarray(used));
    if (count === null) Deno.exit(0); // the program is gone
    used += count;
    let at = 0;
    while (used - at >= 4) {
      const size = new DataView(buffer.buffer, at).getUint32(0);
      if (used - at - 4 < size) break;
      take(parse(decoder.decode(buffer.subarray(at + 4, at + 4 + size))));
      at += 4 + size;
    }
    buffer.copyWithin(0, at, used);
    used -= at;
  }
}

class FaztError extends Error {
  constructor(told) {
    super(told.message);
    this.name = "FaztError";
    this.kind = told.kind;
    this.hint = told.hint;
    this.details = told.details;
  }
}

function ask(method, given) {
  return new Promise((resolve, reject) => {
    const id = ++lastCall;
    send({ i: id, m: method, a: given }); // throws for what is not JSON, before anybody waits
    waiting.set(id, { resolve, reject });
  });
}

let configure;
const configured = new Promise((resolve) => configure = resolve);

function take(frame) {
  if (frame.config) return configure(frame.config);
  if (frame.ping) return send({ pong: frame.ping });
  const call = waiting.get(frame.i);
  if (!call) return;
  waiting.delete(frame.i);
  if (frame.e) call.reject(new FaztError(frame.e));
  else call.resolve(frame.v);
}

// --- doors: open both, then give up the rights that opened them

let answerWhenReady;
let ready = new Promise((resolve) => answerWhenReady = resolve);
Deno.serve({ path: servePath, onListen() {}, onError: fail }, answer);
for (const path of [bridgePath, servePath]) {
  Deno.permissions.revokeSync({ name: "write", path });
  Deno.permissions.revokeSync({ name: "read", path });
}
readFrames(take);
const config = await configured;

// --- console

const LEVELS = ["debug", "info", "warn", "error"];
const outside = { id: "", lines: 0, fetches: 0 };

function log(level, text) {
  const run = runs.getStore() ?? outside;
  if (run === outside && performance.now() - (run.since ?? 0) > 60_000) {
    run.since = performance.now();
    run.lines = 0;
  }
  run.lines += 1;
  if (run.lines > config.logLines + 1) return;
  const isLast = run.lines > config.logLines;
  const line = isLast ? `Only the first ${config.logLines} lines of a run are kept.` : text;
  send({ l: isLast ? "warn" : level, t: line.slice(0, 16_384), r: run.id });
}

function tidy(text) {
  return text.replaceAll(`file://${codeFolder}/`, "").replaceAll(`${codeFolder}/`, "");
}

function explain(error) {
  const text = error instanceof Error ? error.stack ?? `${error}` : inspect(error);
  const cause = error instanceof Error && error.cause !== undefined ? `\nCaused by: ${inspect(error.cause)}` : "";
  return tidy(text + cause).split("\n").filter((line) => !/\(?(file:\/\/)?\/\S*boot\.js:|\(?ext:/.test(line)).join("\n");
}

globalThis.console = new InnerConsole((text, level) => log(LEVELS[level] ?? "info", tidy(text.replace(/\n$/, ""))));

function noteFailure(event, error) {
  event.preventDefault();
  log("error", `Uncaught ${explain(error)}`);
}
addEventListener("unhandledrejection", (event) => noteFailure(event, event.reason));
addEventListener("error", (event) => noteFailure(event, event.error ?? event.message));

// --- fetch, held to what one run may ask for

function limitFetches() {
  const run = runs.getStore() ?? outside;
  run.fetches += 1;
  if (run.fetches > config.fetches) {
    throw new TypeError(`fetch: a run may ask ${config.fetches} times (runtime.fetches).`);
  }
}

async function fetch(input, init) {
  limitFetches();
  const own = init?.signal ?? (input instanceof Request ? input.signal : undefined);
  const timeout = AbortSignal.timeout(config.fetchMs);
  const response = await innerFetch(input, { ...init, signal: own ? AbortSignal.any([own, timeout]) : timeout });
  const length = Number(response.headers.get("content-length") ?? NaN);
  if (length > config.fetchBytes) {
    await response.body?.cancel();
    throw new TypeError(`fetch: the answer has ${length} bytes; ${config.fetchBytes} are allowed (runtime.fetch_mb).`);
  }
  if (!response.body || length <= config.fetchBytes) return response;
  return watched(response);
}

function watched(response) {
  let seen = 0;
  const counter = new TransformStream({
    transform(piece, controller) {
      seen += piece.byteLength;
      if (seen <= config.fetchBytes) return controller.enqueue(piece);
      controller.error(new TypeError(`fetch: the answer has more than ${config.fetchBytes} bytes (runtime.fetch_mb).`));
    },
  });
  const same = new Response(response.body.pipeThrough(counter), response);
  for (const name of ["url", "redirected", "type"]) Object.defineProperty(same, name, { value: response[name] });
  return same;
}

Object.defineProperty(globalThis, "fetch", { value: fetch, writable: true, configurable: true, enumerable: true });

// --- db, fazt, env

const db = Object.freeze({
  get: (key) => ask("db.get", { key }),
  entry: (key) => ask("db.entry", { key }),
  set: (key, value, options = {}) => ask("db.set", { key, value: value === undefined ? null : value, ...options }),
  delete: (key, options = {}) => ask("db.delete", { key, ...options }),
  list: (options = {}) => ask("db.list", options),
  add: (key, amount = 1) => ask("db.add", { key, amount }),
  atomic: (operations) => ask("db.atomic", { operations }),
});

function reach(name) {
  const call = (given = {}) => ask("call", { name, given });
  return new Proxy(call, {
    get: (_, part) => typeof part === "string" && part !== "then" ? reach(name ? `${name}.${part}` : part) : undefined,
    set: () => false,
  });
}

const env = Object.freeze({ ...config.env });
for (const [name, value] of [["db", db], ["fazt", reach("")], ["env", env]]) {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
}

// --- running code

function createContext(run) {
  return Object.freeze({
    site: config.site,
    version: config.version,
    waitUntil(promise) {
      send({ w: 1 });
      const end = Promise.resolve(promise)
        .catch((error) => log("error", `Uncaught in waitUntil: ${explain(error)}`))
        .finally(() => send({ w: -1 }));
      run.pending.push(end);
    },
    passThroughOnException() {},
  });
}

function createRun(id) {
  return { id, lines: 0, fetches: 0, pending: [] };
}

let handlers;

async function answer(request) {
  await ready;
  const order = request.headers.get("x-fazt-run");
  if (order !== null && order === config.secret) return await work(request);
  const run = createRun(request.headers.get("x-fazt-id") ?? "");
  return await runs.run(run, async () => {
    try {
      if (!handlers.fetch) return new Response("This site answers no requests.\n", { status: 404 });
      const response = await handlers.fetch(request, env, createContext(run));
      if (response === undefined || response === null || typeof response.status !== "number") {
        throw new TypeError(`fetch() has to answer a Response, and answered ${inspect(response).slice(0, 200)}.`);
      }
      return response;
    } catch (error) {
      return fail(error);
    }
  });
}

function fail(error) {
  log("error", explain(error));
  const shown = config.isDev ? explain(error) : "The function of this site failed. Its log says why.";
  return new Response(`${shown}\n`, { status: 500, headers: { "content-type": "text/plain; charset=utf-8" } });
}

async function work(request) {
  const info = parse(decodeURIComponent(request.headers.get("x-fazt-info")));
  const run = createRun(info.run);
  return await runs.run(run, async () => {
    try {
      const value = await callHandler(info, request, createContext(run));
      while (run.pending.length) await run.pending.shift();
      return Response.json({ ok: true, value: value ?? null });
    } catch (error) {
      log("error", explain(error));
      return Response.json({ ok: false, error: explain(error).slice(0, 4_000) });
    }
  });
}

async function callHandler(info, request, context) {
  const handler = handlers[info.kind];
  if (!handler) throw new Error(`The code has no ${info.kind}() handler.`);
  if (info.kind === "email") {
    const message = createMessage(info.about, request);
    await handler(message, env, context);
    return message.outcome();
  }
  await handler({ ...info.about, noRetry() {} }, env, context);
  return null;
}

// --- load the code; what it imports is held to the right to read its own folder

function findHandlers(code) {
  if (config.form === "classic") return { fetch: (request) => runScript(code.default, request) };
  const main = code.default ?? code;
  if (typeof main === "function") return { fetch: main };
  const found = {};
  for (const kind of ["fetch", "scheduled", "event", "email"]) {
    if (typeof main?.[kind] === "function") found[kind] = (...given) => main[kind](...given);
  }
  return found;
}

try {
  const specifier = `file://${codeFolder}/${config.main}`;
  handlers = findHandlers(await import(specifier));
  if (!Object.keys(handlers).length) throw new Error(`${config.main} exports no handler: export default { fetch(request) {…} }.`);
  send({ ready: Object.keys(handlers) });
} catch (error) {
  send({ failed: explain(error).slice(0, 8_000) });
  handlers = {};
}
ready = undefined;
answerWhenReady();
