// A notebook of Joplin as a site. A note is a page, without those that are tagged "draft"; what you change in Joplin is here
// after its next synchronisation. Nothing outside the notebook can be reached.
const escape = (text) => text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);

async function posts(env) {
  const found = await fazt.joplin.notes({ notebook: env.NOTEBOOK ?? "Blog", limit: 500 });
  return found.filter((note) => !note.tags.includes("draft"));
}

function page(title, body) {
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escape(title)}</title><link rel="stylesheet" href="/style.css"><main>${body}</main></html>`;
  return new Response(html, { headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-cache" } });
}

const day = (ms) => new Date(ms).toISOString().slice(0, 10);

async function index(env) {
  const title = env.NOTEBOOK ?? "Blog";
  const items = (await posts(env)).map((note) =>
    `<li><a href="/notes/${note.id}">${escape(note.title)}</a> <time>${day(note.updated_at)}</time></li>`);
  return page(title, `<h1>${escape(title)}</h1><ul>${items.join("") || "<li>Nothing is published yet.</li>"}</ul>`);
}

async function note(env, id) {
  const found = (await posts(env)).find((one) => one.id === id);
  if (!found) return missing();
  const { title, html } = await fazt.joplin.html({ id, notes: "/notes/", files: "/files/" });
  return page(title, `<p><a href="/">All</a></p><h1>${escape(title)}</h1><time>${day(found.updated_at)}</time>${html}`);
}

async function file(env, id) {
  const isShown = (await posts(env)).some((one) => one.attachments.some((attached) => attached.id === id));
  if (!isShown) return missing();
  const { mime, content } = await fazt.joplin.attachment({ id });
  const isPicture = /^image\/(png|jpeg|gif|webp|avif)$/.test(mime);
  return new Response(Uint8Array.from(atob(content), (c) => c.charCodeAt(0)), {
    headers: {
      "content-type": isPicture ? mime : "application/octet-stream",
      "content-disposition": isPicture ? "inline" : "attachment",
      "x-content-type-options": "nosniff",
      "cache-control": "public, max-age=3600",
    },
  });
}

const missing = () => new Response("There is no such page.\n", { status: 404 });

export default {
  async fetch(request, env) {
    const [, kind, id = ""] = new URL(request.url).pathname.split("/");
    if (!kind) return index(env);
    if (!/^[0-9a-f]{32}$/.test(id)) return missing();
    return kind === "notes" ? note(env, id) : kind === "files" ? file(env, id) : missing();
  },
};
