// The service worker of drops: a download of an encrypted file is decrypted here while it is saved.
// It is served with crypt.js before it, since not every browser has modules in workers.
/* global openRemote */
const jobs = new Map();

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("message", (event) => {
  if (event.data.job) jobs.set(event.data.job, event.data);
  event.ports[0]?.postMessage("ready");
});

self.addEventListener("fetch", (event) => {
  const found = new URL(event.request.url).pathname.match(/^\/d\/-\/([0-9a-f]{32})\//);
  const known = found && jobs.get(found[1]);
  if (!known) return;
  jobs.delete(found[1]);
  event.respondWith(answer(known));
});

function answer(known) {
  const pieces = openRemote(known);
  const body = new ReadableStream({
    async pull(controller) {
      const { value, done } = await pieces.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel() {
      pieces.return();
    },
  });
  const name = encodeURIComponent(known.name).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
  return new Response(body, {
    headers: {
      "content-type": "application/octet-stream",
      "content-length": String(known.size),
      "content-disposition": `attachment; filename*=UTF-8''${name}`,
      "content-security-policy": "sandbox; default-src 'none'",
      "x-content-type-options": "nosniff",
    },
  });
}
