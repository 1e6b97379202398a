// npm's ntfy publishes; what the server answered is printed.
import { publish } from "ntfy";

const [server, topic, token, file] = process.argv.slice(2);
const first = await publish({
  server,
  topic,
  authorization: token,
  message: "Backup done",
  title: "Nightly backup",
  priority: 4,
  tags: ["tada", "backup"],
  iconURL: "https://example.org/icon.png",
  fileURL: { url: "https://example.org/log.txt", filename: "log.txt" },
  actions: [
    { type: "view", label: "Open", url: "https://example.org/", clear: true },
    { type: "http", label: "Again", url: "https://example.org/again", method: "PUT", headers: { "X-A": "b" } },
    { type: "broadcast", label: "Tell", intent: "org.example.TELL", extras: { who: "me" } },
  ],
});
const second = await publish({ server, topic, authorization: token, fileAttachment: file });
console.log(JSON.stringify([first, second]));
