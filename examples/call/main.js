// "Talk to us": whoever presses the button gets a room of their own, and you a notice with the link to it.
const MOST_A_MINUTE = 6;

export default {
  async fetch(request) {
    if (request.method !== "POST") return new Response("There is nothing here.\n", { status: 404 });
    const key = `asked:${Math.floor(Date.now() / 60_000)}`;
    const count = await db.add(key);
    if (count === 1) await db.set(key, 1, { ttl: 120 });
    if (count > MOST_A_MINUTE) return new Response("Many people call just now. Try again in a minute.\n", { status: 429 });
    const { url, own_url } = await fazt.turn.invite({ hours: 2 });
    await fazt.pubsub.publish({ topic: "calls", title: "Somebody waits for you", data: own_url, click: own_url });
    return Response.redirect(url, 303);
  },
};
