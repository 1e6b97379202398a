// The form of a static page, sent to your inbox. Answering the mail answers the visitor.
const MOST_AN_HOUR = 30;
const ADDRESS = /^[^\s@<>,;:"]{1,64}@[^\s@<>,;:"]{1,190}$/;
const back = (path) => new Response(null, { status: 303, headers: { location: path } });

export default {
  async fetch(request, env) {
    if (request.method !== "POST") return new Response("There is no such page.\n", { status: 404 });
    const form = await request.formData();
    const [name, email, text] = ["name", "email", "message"].map((field) => String(form.get(field) ?? "").trim());
    const called = name.replace(/\s+/g, " ");
    if (form.get("website")) return back("/thanks"); // people do not see that field, robots fill it
    if (!name || !text || !ADDRESS.test(email) || name.length > 100 || text.length > 10_000) return back("/?again");
    const key = `sent:${Math.floor(Date.now() / 3_600_000)}`;
    const count = await db.add(key);
    if (count === 1) await db.set(key, 1, { ttl: 7_200 });
    if (count > MOST_AN_HOUR) return new Response("There are many messages just now. Try again later.\n", { status: 429 });
    const subject = `Message from ${called}`;
    await fazt.mail.send({ to: env.TO, reply_to: email, subject, text: `${text}\n\n${called} <${email}>` });
    return back("/thanks");
  },
};
