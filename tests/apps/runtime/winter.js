// One check for each entry of the WinterTC minimum common API (ECMA-429); the guide lists the same names.
const text = new TextEncoder();
const bytes = (...numbers) => new Uint8Array(numbers);
const join = (stream) => new Response(stream).text();
const wasm = bytes(0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0, 7, 7, 1, 3, 97, 100, 100, 0, 0, 10, 9, 1, 7, 0, 32, 0, 32, 1, 106, 11);
const asResponse = () => new Response(wasm, { headers: { "content-type": "application/wasm" } });
const throws = (work) => { try { work(); return false; } catch { return true; } };
const once = (target, name) => new Promise((resolve) => target.addEventListener(name, resolve, { once: true }));

export const checks = {
  AbortController: () => { const c = new AbortController(); c.abort("why"); return c.signal.aborted && c.signal.reason === "why"; },
  AbortSignal: async () => { const s = AbortSignal.any([AbortSignal.timeout(1)]); await once(s, "abort"); return s.reason.name === "TimeoutError"; },
  Blob: async () => (await new Blob(["a", bytes(98)]).slice(1).text()) === "b",
  ByteLengthQueuingStrategy: () => new ByteLengthQueuingStrategy({ highWaterMark: 9 }).size(bytes(1, 2)) === 2,
  CompressionStream: async () => (await new Response(new Blob(["a".repeat(999)]).stream().pipeThrough(new CompressionStream("gzip"))).bytes()).length < 99,
  CountQueuingStrategy: () => new CountQueuingStrategy({ highWaterMark: 3 }).highWaterMark === 3,
  Crypto: () => crypto instanceof Crypto && crypto.getRandomValues(bytes(0, 0, 0, 0)).length === 4 && /^[0-9a-f-]{36}$/.test(crypto.randomUUID()),
  CryptoKey: async () => (await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt"])) instanceof CryptoKey,
  CustomEvent: () => new CustomEvent("x", { detail: 7 }).detail === 7,
  DOMException: () => new DOMException("m", "DataCloneError").code === 25,
  DecompressionStream: async () => (await join(new Blob(["hello"]).stream().pipeThrough(new CompressionStream("deflate")).pipeThrough(new DecompressionStream("deflate")))) === "hello",
  ErrorEvent: () => new ErrorEvent("error", { message: "m" }).message === "m",
  Event: () => { const e = new Event("x", { cancelable: true }); e.preventDefault(); return e.defaultPrevented; },
  EventTarget: () => { const t = new EventTarget(); let n = 0; t.addEventListener("x", () => n++, { once: true }); t.dispatchEvent(new Event("x")); t.dispatchEvent(new Event("x")); return n === 1; },
  File: async () => { const f = new File(["abc"], "a.txt", { type: "text/plain" }); return f.name === "a.txt" && (await f.text()) === "abc"; },
  FormData: async () => { const f = new FormData(); f.append("a", "1"); f.append("b", new File(["x"], "x.txt")); const back = await new Response(f).formData(); return back.get("a") === "1" && back.get("b").name === "x.txt"; },
  Headers: () => { const h = new Headers([["a", "1"], ["A", "2"], ["set-cookie", "x"], ["set-cookie", "y"]]); return h.get("a") === "1, 2" && h.getSetCookie().length === 2; },
  MessageChannel: async () => { const c = new MessageChannel(); const heard = new Promise((r) => c.port1.onmessage = (e) => r(e.data)); c.port2.postMessage({ a: 1 }); const got = await heard; c.port1.close(); return got.a === 1; },
  MessageEvent: () => new MessageEvent("message", { data: 1 }).data === 1,
  MessagePort: () => { const c = new MessageChannel(); const ok = c.port1 instanceof MessagePort; c.port1.close(); return ok; },
  PromiseRejectionEvent: () => { const promise = Promise.resolve(); return new PromiseRejectionEvent("unhandledrejection", { promise, reason: 1 }).reason === 1; },
  ReadableByteStreamController: async () => { let kind; const s = new ReadableStream({ type: "bytes", start(c) { kind = c; c.enqueue(bytes(65)); c.close(); } }); return (await join(s)) === "A" && kind instanceof ReadableByteStreamController; },
  ReadableStream: async () => { const [a, b] = ReadableStream.from(["x", "y"]).tee(); const got = []; for await (const part of a) got.push(part); await b.cancel(); return got.join("") === "xy"; },
  ReadableStreamBYOBReader: async () => { const s = new ReadableStream({ type: "bytes", start(c) { c.enqueue(bytes(1, 2)); c.close(); } }); const { value } = await s.getReader({ mode: "byob" }).read(new Uint8Array(8)); return value.length === 2; },
  ReadableStreamBYOBRequest: async () => { let kind; const s = new ReadableStream({ type: "bytes", pull(c) { kind = c.byobRequest; kind.view[0] = 9; kind.respond(1); } }); const { value } = await s.getReader({ mode: "byob" }).read(new Uint8Array(1)); return value[0] === 9 && kind instanceof ReadableStreamBYOBRequest; },
  ReadableStreamDefaultController: () => { let kind; new ReadableStream({ start(c) { kind = c; } }); return kind instanceof ReadableStreamDefaultController && kind.desiredSize === 1; },
  ReadableStreamDefaultReader: async () => { const r = new Response("a").body.getReader(); return r instanceof ReadableStreamDefaultReader && (await r.read()).value[0] === 97; },
  Request: async () => { const r = new Request("https://a.b/c", { method: "POST", body: "x", headers: { a: "1" } }); return r.clone().headers.get("a") === "1" && (await r.text()) === "x"; },
  Response: async () => (await Response.json({ a: 1 }, { status: 201 }).json()).a === 1 && Response.redirect("https://a.b/", 307).status === 307 && Response.error().type === "error",
  SubtleCrypto: async () => { const key = await crypto.subtle.importKey("raw", text.encode("k"), { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]); const signed = await crypto.subtle.sign("HMAC", key, text.encode("m")); return crypto.subtle instanceof SubtleCrypto && await crypto.subtle.verify("HMAC", key, signed, text.encode("m")); },
  TextDecoder: () => new TextDecoder("utf-16le").decode(bytes(233, 0)) === "é" && throws(() => new TextDecoder("utf-8", { fatal: true }).decode(bytes(255))),
  TextDecoderStream: async () => { const s = ReadableStream.from([bytes(195), bytes(169)]).pipeThrough(new TextDecoderStream()); let got = ""; for await (const part of s) got += part; return got === "é"; },
  TextEncoder: () => text.encodeInto("é", new Uint8Array(4)).written === 2,
  TextEncoderStream: async () => (await join(ReadableStream.from(["é"]).pipeThrough(new TextEncoderStream()))) === "é",
  TransformStream: async () => { const up = new TransformStream({ transform: (part, c) => c.enqueue(part.toUpperCase()) }); let got = ""; for await (const part of ReadableStream.from(["a"]).pipeThrough(up)) got += part; return got === "A"; },
  TransformStreamDefaultController: () => { let kind; new TransformStream({ start(c) { kind = c; } }); return kind instanceof TransformStreamDefaultController; },
  URL: () => new URL("../x?y#z", "https://ü.example/a/b/").href === "https://xn--tda.example/a/x?y#z" && URL.canParse("https://a.b"),
  URLPattern: () => new URLPattern({ pathname: "/posts/:id" }).exec("https://a.b/posts/7").pathname.groups.id === "7",
  URLSearchParams: () => new URLSearchParams("a=1&a=2&b=%20").getAll("a").length === 2 && new URLSearchParams({ a: "é" }).toString() === "a=%C3%A9",
  "WebAssembly.Global": () => new WebAssembly.Global({ value: "i32", mutable: true }, 3).value === 3,
  "WebAssembly.Instance": () => new WebAssembly.Instance(new WebAssembly.Module(wasm)).exports.add(2, 3) === 5,
  "WebAssembly.Memory": () => new WebAssembly.Memory({ initial: 1 }).buffer.byteLength === 65536,
  "WebAssembly.Module": () => WebAssembly.Module.exports(new WebAssembly.Module(wasm))[0].name === "add",
  "WebAssembly.Table": () => new WebAssembly.Table({ initial: 2, element: "anyfunc" }).length === 2,
  "WebAssembly.compile": async () => (await WebAssembly.compile(wasm)) instanceof WebAssembly.Module,
  "WebAssembly.compileStreaming": async () => (await WebAssembly.compileStreaming(asResponse())) instanceof WebAssembly.Module,
  "WebAssembly.instantiate": async () => (await WebAssembly.instantiate(wasm)).instance.exports.add(1, 1) === 2,
  "WebAssembly.instantiateStreaming": async () => (await WebAssembly.instantiateStreaming(asResponse())).instance.exports.add(1, 2) === 3,
  "WebAssembly.validate": () => WebAssembly.validate(wasm) && !WebAssembly.validate(bytes(1)),
  WritableStream: async () => { const got = []; await ReadableStream.from([1, 2]).pipeTo(new WritableStream({ write: (part) => { got.push(part); } })); return got.length === 2; },
  WritableStreamDefaultController: () => { let kind; new WritableStream({ start(c) { kind = c; } }); return kind instanceof WritableStreamDefaultController && kind.signal instanceof AbortSignal; },
  WritableStreamDefaultWriter: async () => { const w = new WritableStream().getWriter(); await w.write(1); await w.close(); return w instanceof WritableStreamDefaultWriter; },
  atob: () => atob("aGk=") === "hi",
  btoa: () => btoa("hi") === "aGk=" && throws(() => btoa("€")),
  clearInterval: () => { const id = setInterval(() => {}, 9); clearInterval(id); return true; },
  clearTimeout: async () => { let n = 0; clearTimeout(setTimeout(() => n++, 0)); await new Promise((r) => setTimeout(r, 2)); return n === 0; },
  console: () => ["log", "error", "warn", "info", "debug", "table", "group", "time", "count", "assert"].every((name) => typeof console[name] === "function"),
  crypto: async () => new Uint8Array(await crypto.subtle.digest("SHA-256", text.encode("")))[0] === 0xe3,
  fetch: async () => (await (await fetch("data:text/plain,hi")).text()) === "hi",
  globalThis: () => globalThis === self,
  "navigator.userAgent": () => typeof navigator.userAgent === "string" && navigator.userAgent.length > 0,
  onerror: () => { const before = globalThis.onerror; globalThis.onerror = () => {}; globalThis.onerror = before; return "onerror" in globalThis; },
  onunhandledrejection: () => "onunhandledrejection" in globalThis,
  "performance.now": () => performance.now() > 0,
  "performance.timeOrigin": () => Math.abs(performance.timeOrigin + performance.now() - Date.now()) < 5000,
  queueMicrotask: async () => { let n = 0; queueMicrotask(() => n++); await null; return n === 1; },
  reportError: async () => { const heard = once(globalThis, "error"); reportError(new Error("reported")); return (await heard).error.message === "reported"; },
  self: () => self.Response === Response,
  setInterval: async () => { let n = 0; await new Promise((r) => { const id = setInterval(() => { if (++n === 2) { clearInterval(id); r(); } }, 1); }); return n === 2; },
  setTimeout: async () => (await new Promise((r) => setTimeout(r, 1, "done"))) === "done",
  structuredClone: () => { const a = { d: new Date(0), m: new Map([[1, new Set([2])]]) }; a.self = a; const b = structuredClone(a); return b.self === b && b.m.get(1).has(2) && b.d.getTime() === 0; },
};

async function run(check) {
  try {
    return (await check()) === true ? "yes" : "no";
  } catch (error) {
    return String(error);
  }
}

export default {
  async fetch() {
    const out = {};
    for (const [name, check] of Object.entries(checks)) out[name] = await run(check);
    return Response.json(out);
  },
};
