// Mail into db: `npm install`, then `fazt deploy . --name inbox`, and a rule in Mail that hands mail to the site.
import PostalMime from "postal-mime";

export default {
  async email(message) {
    const mail = await PostalMime.parse(message.raw);
    if (/lottery/i.test(mail.subject)) return message.setReject("We do not play.");
    await db.set(`mail:${Date.now()}`, {
      from: mail.from,
      to: mail.to,
      subject: mail.subject,
      text: mail.text?.trim(),
      html: mail.html?.trim(),
      files: mail.attachments.map((file) => [file.filename, file.mimeType, file.content.byteLength]),
    });
  },

  async fetch() {
    return Response.json((await db.list({ prefix: "mail:", reverse: true })).map((entry) => entry.value));
  },
};
