// Editors of a pad: real y-websocket clients, as many as asked for, in one process.
//
// node pads_client.mjs URL NAME TOKEN EDITORS EDITS      edit at random, with cuts; then settle on one text
// node pads_client.mjs URL NAME TOKEN acknowledged       write marks, and print each one once it is said to be saved
// node pads_client.mjs URL NAME TOKEN latency COUNT      keystrokes of one client until they are seen by another, in ms

import { createInterface } from "node:readline";
import { WebSocket } from "ws";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";

const [url, name, token, mode, count = "0"] = process.argv.slice(2);
const SAVED = 100;
console.error = () => {}; // y-websocket's complaints about a server that is being killed

class Counting extends WebSocket {
  constructor(...args) {
    super(...args);
    this.sent = 0;
  }
  send(data) {
    if (data[0] === 0 && (data[1] === 1 || data[1] === 2)) this.sent += 1;
    super.send(data);
  }
}

function open(params = {}, room = name) {
  const doc = new Y.Doc();
  const provider = new WebsocketProvider(url, room, doc, {
    params: { token, ...params },
    disableBc: true,
    maxBackoffTime: 300,
    WebSocketPolyfill: Counting,
  });
  return { doc, provider, text: doc.getText("text") };
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
async function until(condition) {
  while (!condition()) await pause(5);
}
const pick = (limit) => Math.floor(Math.random() * limit);

async function converge(editors, edits) {
  // Half of them by the base address, as y-websocket's clients have it, half by the one with /ws.
  const all = Array.from({ length: editors }, (_, n) => open({}, n % 2 ? name : `${name}/ws`));
  await until(() => all.every(({ provider }) => provider.synced));
  console.log("ready");
  for (let n = 0; n < edits; n++) {
    const { text, provider } = all[pick(editors)];
    if (text.length > 20 && Math.random() < 0.3) {
      const start = pick(text.length - 5);
      text.delete(start, 1 + pick(4));
    } else text.insert(pick(text.length + 1), ["a", "b ", "\n", "word", "ü", "€"][pick(6)]);
    if (Math.random() < 0.02) provider.ws?.close(); // a cut
    if (n % 10 === 0) await pause(1);
    if (n % 100 === 0) console.log(`edit ${n}`);
  }
  console.log("edited");
  for await (const line of createInterface({ input: process.stdin })) if (line === "settle") break;
  await until(() => all.every(({ provider }) => provider.synced));
  const asOne = () => all.every(({ text }) => text.toString() === all[0].text.toString());
  for (let calm = 0; calm < 40; calm++) {
    if (!asOne()) calm = 0;
    await pause(5);
  }
  console.log(JSON.stringify({ text: all[0].text.toString() }));
}

async function acknowledged() {
  const { provider, text } = open({ saved: "1" });
  const marks = [];
  provider.messageHandlers[SAVED] = (_encoder, decoder) => {
    let number = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = decoder.arr[decoder.pos++];
      number += (byte & 127) * scale;
      if (byte < 128) break;
    }
    while (marks.length && marks[0].sent <= number) process.stdout.write(`${marks.shift().mark}\n`);
  };
  await until(() => provider.synced);
  console.log("ready");
  for (let n = 0; ; n++) {
    const mark = `<${name}.${provider.doc.clientID}.${n}>`;
    text.insert(pick(2) ? 0 : text.length, mark);
    marks.push({ mark, sent: provider.ws.sent });
    if (n % 5 === 0) await pause(1);
  }
}

async function latency(rounds) {
  const writer = open();
  const reader = open();
  await until(() => writer.provider.synced && reader.provider.synced);
  const times = [];
  for (let n = 0; n < rounds; n++) {
    const begun = performance.now();
    const seen = new Promise((done) => reader.doc.once("update", done));
    writer.text.insert(writer.text.length, "x");
    await seen;
    times.push(performance.now() - begun);
    await pause(5);
  }
  console.log(JSON.stringify(times));
}

if (mode === "acknowledged") await acknowledged();
else if (mode === "latency") await latency(Number(count));
else await converge(Number(mode), Number(count));
process.exit(0);
