// The call: lobby, the people in the room, and the tools.
import { toast } from "/static/ui/toast.js";
import { Chat } from "./chat.js";
import { Files } from "./files.js";
import { Media } from "./media.js";
import { Peer } from "./peer.js";
import { Signal } from "./signal.js";
import { Tile } from "./tiles.js";

const { room, key } = document.body.dataset;
const find = (id) => document.getElementById(id);
const media = new Media();
const people = new Map(); // id: { name, tile, peer }
const own = new MediaStream();
let signal = null;
let me = "";
let ice = null;
let ownTile = null;

// ?relay=1 sends everything over the relay; udp, tcp or tls also say which way to it.
const asked = new URLSearchParams(location.search).get("relay");
find("only-relay").checked = Boolean(asked);

function config() {
  const wanted = { udp: /^turn:.*=udp$/, tcp: /^turn:.*=tcp$/, tls: /^turns:/ }[asked];
  const urls = (ice?.uris ?? []).filter((uri) => !wanted || wanted.test(uri));
  return {
    iceServers: urls.length ? [{ urls, username: ice.username, credential: ice.password }] : [],
    iceTransportPolicy: find("only-relay").checked ? "relay" : "all",
  };
}

// --- Lobby ---

async function prepare() {
  find("media-note").textContent = await media.start();
  showOwn();
  fillDevices();
}

async function fillDevices() {
  const places = { mic: ["lobby-mic", "choose-mic"], camera: ["lobby-camera", "choose-camera"], speaker: ["choose-speaker"] };
  for (const [kind, ids] of Object.entries(places)) for (const id of ids) await media.fill(find(id), kind);
}

function showOwn() {
  for (const track of own.getTracks()) own.removeTrack(track);
  if (media.video) own.addTrack(media.video);
  if (find("preview").srcObject !== own) find("preview").srcObject = own;
  ownTile?.play(own);
  ownTile?.show(media.state);
  find("mic").setAttribute("aria-pressed", String(media.state.audio));
  find("camera").setAttribute("aria-pressed", String(Boolean(media.camera?.enabled)));
  find("screen").setAttribute("aria-pressed", String(media.state.screen));
}

find("join").addEventListener("submit", async (event) => {
  event.preventDefault();
  await ready;
  const name = event.target.elements.name.value.trim() || "Guest";
  find("lobby").hidden = true;
  find("stage").hidden = false;
  ownTile = new Tile(find("tiles"), name, true);
  showOwn();
  enter(name);
});

// --- People ---

function enter(name) {
  signal = new Signal(room, key, name);
  signal.addEventListener("welcome", ({ detail }) => welcome(detail));
  signal.addEventListener("refused", ({ detail }) => refuse(detail.why));
  signal.addEventListener("lost", () => { find("reconnecting").hidden = false; });
  signal.addEventListener("joined", ({ detail }) => meet(detail.person));
  signal.addEventListener("back", ({ detail }) => meet(detail.person).tile.rename(detail.person.name));
  signal.addEventListener("left", ({ detail }) => part(detail.id));
  signal.addEventListener("signal", ({ detail }) => hear(detail));
  signal.addEventListener("state", ({ detail }) => people.get(detail.from)?.tile.show(detail.state));
  signal.addEventListener("chat", ({ detail }) => chat.add(people.get(detail.from)?.tile.name ?? "Somebody", detail.text));
  signal.addEventListener("ice", ({ detail }) => { ice = detail.ice; for (const { peer } of people.values()) if (peer.isBroken) mend(peer); });
  signal.open();
  setInterval(measure, 2000);
}

function welcome({ you, people: others, back, ice: given }) {
  find("reconnecting").hidden = true;
  ice = given;
  me = you;
  const known = new Set(others.map((person) => person.id));
  for (const id of [...people.keys()]) if (!back || !known.has(id)) part(id);
  for (const person of others) {
    const isNew = !people.has(person.id);
    const { peer } = meet(person);
    if (!back && isNew) peer.call();
    else if (back && peer.state !== "connected") mend(peer);
  }
  tellState();
  showAlone();
}

function meet({ id, name, state }) {
  if (!people.has(id)) {
    const tile = new Tile(find("tiles"), name);
    const peer = new Peer(config(), media, me < id, (data) => signal.send({ type: "signal", to: id, data }));
    peer.addEventListener("stream", () => { tile.play(peer.stream); listenOn(tile); });
    peer.addEventListener("state", () => { peer.isBroken &&= peer.state !== "connected"; tile.showPath(peer.state, null); });
    peer.addEventListener("broken", () => { peer.isBroken = true; if (!signal.send({ type: "ice" })) mend(peer); });
    people.set(id, { tile, peer });
  }
  const person = people.get(id);
  if (state && "audio" in state) person.tile.show(state);
  showAlone();
  return person;
}

async function hear({ from, data }) {
  const { peer } = people.get(from) ?? meet({ id: from, name: "Somebody" });
  await peer.hear(data).catch((error) => console.warn("signal", error));
}

function mend(peer) {
  peer.mend(config());
}

function part(id) {
  const person = people.get(id);
  if (!person) return;
  people.delete(id);
  person.peer.close();
  person.tile.remove();
  showAlone();
}

async function measure() {
  for (const { peer, tile } of people.values()) {
    if (peer.state === "connected") tile.showPath("connected", await peer.measure());
  }
}

function showAlone() {
  find("alone").hidden = people.size > 0;
}

function refuse(why) {
  for (const id of [...people.keys()]) part(id);
  find("stage").hidden = true;
  find("lobby").hidden = false;
  find("media-note").textContent = why;
  find("go").disabled = true;
}

// A network that comes and goes is noticed sooner by the page than by the connection.
navigator.connection?.addEventListener?.("change", () => { for (const { peer } of people.values()) if (peer.state !== "connected") mend(peer); });

// --- Tools ---

const chat = new Chat((text) => signal?.send({ type: "chat", text }));
new Files((text) => {
  if (signal?.send({ type: "chat", text })) chat.say(text);
  else toast("The connection broke: send it again.", "bad");
});

function tellState() {
  signal?.send({ type: "state", ...media.state });
}

function listenOn(tile) {
  if (media.speaker && tile.video.setSinkId) tile.video.setSinkId(media.speaker).catch(() => {});
}

media.addEventListener("change", () => {
  showOwn();
  tellState();
  for (const { peer, tile } of people.values()) {
    peer.send();
    listenOn(tile);
  }
});

find("mic").addEventListener("click", () => media.toggle("mic"));
find("camera").addEventListener("click", () => media.toggle("camera"));
find("screen").addEventListener("click", () => media.share().catch(() => toast("The screen is not shared.")));
find("screen").hidden = !navigator.mediaDevices?.getDisplayMedia;
find("open-devices").addEventListener("click", () => { fillDevices(); find("devices").showModal(); });
for (const [id, kind] of [["lobby-mic", "mic"], ["lobby-camera", "camera"], ["choose-mic", "mic"], ["choose-camera", "camera"], ["choose-speaker", "speaker"]]) {
  find(id).addEventListener("change", (event) => media.choose(kind, event.target.value).catch(() => toast("This device cannot be used.", "bad")));
}

function leave() {
  signal?.leave();
  for (const id of [...people.keys()]) part(id);
  media.stop();
  location.replace(document.body.dataset.guest === "yes" ? location.href : "/calls");
}
find("leave").addEventListener("click", leave);
addEventListener("pagehide", () => signal?.leave());

find("open-invite")?.addEventListener("click", () => find("invite").showModal());
find("make-invite")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const hours = Number(event.target.elements.hours.value);
  const answer = await fetch(`/api/v1/turn/rooms/${room}/invitations`, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ hours }),
  });
  if (!answer.ok) {
    toast("The link could not be made.", "bad");
    return;
  }
  find("invite-link").textContent = location.origin + (await answer.json()).path;
  find("invite-box").hidden = false;
});

const ready = prepare();
