// Sensors post numbers here; they become messages on a topic. An alert on the topic tells your phone, and this adds a mail.
const PATH = /^\/([a-z0-9_-]+(?:\/[a-z0-9_-]+){0,4})$/;

export default {
  async fetch(request, env) {
    const found = PATH.exec(new URL(request.url).pathname);
    if (request.method !== "POST" || !found) return new Response("POST a number to /kitchen/temp.\n", { status: 404 });
    if (!env.KEY || request.headers.get("x-key") !== env.KEY) return new Response("Send the key as X-Key.\n", { status: 401 });
    const text = (await request.text()).trim();
    if (text === "" || !Number.isFinite(Number(text))) return new Response("That is not a number.\n", { status: 400 });
    return Response.json(await fazt.pubsub.publish({ topic: `sensors/${found[1]}`, data: Number(text) }));
  },

  async event(event, env) {
    const { topic, kind, bound, value } = event.data;
    if (!topic.startsWith("sensors/") || !env.MAIL_TO) return;
    const began = event.name === "pubsub.alert_began";
    await fazt.mail.send({
      to: env.MAIL_TO,
      subject: began ? `${topic} is ${kind} ${bound}` : `${topic} is well again`,
      text: `${topic} was ${value} at ${new Date(event.at).toISOString()}.`,
    });
  },
};
