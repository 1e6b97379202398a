// Every half hour a feed (RSS or Atom) is fetched, and what is new in it becomes a document of the collection `news`.
const ENTRY = /<(item|entry)[\s>][\s\S]*?<\/\1>/g;
const ENTITIES = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
const plain = (text) =>
  text.replace(/<!\[CDATA\[([\s\S]*?)\]\]>/g, "$1").replace(/&(lt|gt|quot|apos|amp);/g, (_, name) => ENTITIES[name]).trim();
const field = (entry, name) => plain(new RegExp(`<${name}[^>]*>([\\s\\S]*?)</${name}>`).exec(entry)?.[1] ?? "");
const linkOf = (entry) => field(entry, "link") || plain(/<link[^>]*\bhref="([^"]*)"/.exec(entry)?.[1] ?? "");

async function idOf(text) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].slice(0, 12).map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export default {
  async scheduled(_event, env) {
    const answer = await fetch(env.FEED_URL);
    if (!answer.ok) throw new Error(`The feed answered ${answer.status}.`);
    let fresh = 0;
    for (const [entry] of (await answer.text()).matchAll(ENTRY)) {
      const link = linkOf(entry);
      const id = await idOf(field(entry, "guid") || field(entry, "id") || link);
      if (await fazt.textdb.get({ collection: "news", id })) continue;
      const at = new Date(field(entry, "pubDate") || field(entry, "updated") || Date.now());
      const doc = { title: field(entry, "title"), link, at: Number.isNaN(at.getTime()) ? null : at.toISOString() };
      await fazt.textdb.put({ collection: "news", id, doc });
      fresh += 1;
    }
    console.log(`${fresh} new`);
  },

  async fetch() {
    const { documents } = await fazt.textdb.list({ collection: "news", query: { _sort: "-at", _limit: 50 } });
    return Response.json(documents);
  },
};
