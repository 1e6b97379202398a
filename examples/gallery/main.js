// A folder of the drive as a gallery. Put photos into it over WebDAV; each is here at once, and nothing outside the folder is.
const escape = (text) => text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
const TYPES = { jpg: "image/jpeg", jpeg: "image/jpeg", png: "image/png", webp: "image/webp", gif: "image/gif", avif: "image/avif" };
const typeOf = (name) => TYPES[name.split(".").pop().toLowerCase()];
const folderOf = (env) => `/${(env.FOLDER ?? "Photos").replace(/^\/|\/$/g, "")}`;
const bytes = (content) => Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
const missing = () => new Response("There is no such picture.\n", { status: 404 });

async function pictures(env) {
  const found = await fazt.drive.list({ path: folderOf(env) }).catch((error) => {
    if (error.kind === "not_found") return [];
    throw error;
  });
  return found.filter((file) => !file.is_folder && typeOf(file.name)).sort((a, b) => b.modified_at - a.modified_at);
}

async function index(env) {
  // The address changes with the picture, so browsers may keep it for ever.
  const tiles = (await pictures(env)).map(({ name, etag }) => {
    const query = `${encodeURIComponent(name)}?v=${encodeURIComponent(etag)}`;
    return `<a href="/photo/${query}"><img src="/thumb/${query}" alt="${escape(name)}" width="360" height="360" loading="lazy"></a>`;
  });
  const body = tiles.length ? `<div>${tiles.join("")}</div>` : `<p>Put photos into the folder ${escape(folderOf(env))} of your drive.</p>`;
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Photos</title><link rel="stylesheet" href="/style.css"><main><h1>Photos</h1>${body}</main></html>`;
  return new Response(html, { headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-cache" } });
}

async function picture(env, kind, name) {
  if (!typeOf(name) || name.includes("/")) return missing();
  const path = `${folderOf(env)}/${name}`;
  try {
    const found = kind === "thumb" ? await fazt.drive.thumb({ path }) : await fazt.drive.read({ path, encoding: "base64" });
    const headers = { "content-type": found.type ?? typeOf(name), "x-content-type-options": "nosniff" };
    return new Response(bytes(found.content), { headers: { ...headers, "cache-control": "public, max-age=31536000, immutable" } });
  } catch (error) {
    if (error.kind === "not_found" || error.kind === "too_large") return missing();
    throw error;
  }
}

export default {
  async fetch(request, env) {
    const [, kind, ...rest] = new URL(request.url).pathname.split("/");
    if (!kind) return index(env);
    return kind === "thumb" || kind === "photo" ? picture(env, kind, decodeURIComponent(rest.join("/"))) : missing();
  },
};
