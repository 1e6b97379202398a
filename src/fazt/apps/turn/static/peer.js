// One other person in the call: a connection that mends itself, and figures about its path.
const PATIENCE_MS = 3000;

export class Peer extends EventTarget {
  stream = new MediaStream();
  #connection;
  #say;
  #isPolite;
  #isOffering = false;
  #isIgnoring = false;
  #timer = 0;
  #before = null;
  #queue = [];

  // `say(data)` brings something to the other side; of two offers at once the polite one's gives way.
  constructor(config, media, isPolite, say) {
    super();
    this.#say = say;
    this.#isPolite = isPolite;
    this.#connection = new RTCPeerConnection(config);
    const connection = this.#connection;
    connection.addEventListener("icecandidate", ({ candidate }) => say({ candidate }));
    connection.addEventListener("negotiationneeded", () => this.#offer());
    connection.addEventListener("track", ({ track }) => {
      this.stream.addTrack(track);
      this.dispatchEvent(new Event("stream"));
    });
    connection.addEventListener("connectionstatechange", () => this.#watch());
    this.media = media;
  }

  get state() {
    return this.#connection.connectionState;
  }

  // Only who comes new calls; who is there answers, so that each kind of track has one place.
  call() {
    for (const kind of ["audio", "video"]) this.#connection.addTransceiver(kind, { direction: "sendrecv" });
    this.send();
  }

  // Sends what the microphone and the camera (or the screen) give now.
  send() {
    for (const { sender, receiver } of this.#connection.getTransceivers()) {
      sender.replaceTrack(receiver.track.kind === "audio" ? this.media.audio : this.media.video).catch(() => {});
    }
  }

  async hear({ description, candidate }) {
    const connection = this.#connection;
    if (description) {
      const collides = description.type === "offer" && (this.#isOffering || connection.signalingState !== "stable");
      this.#isIgnoring = !this.#isPolite && collides;
      if (this.#isIgnoring) return;
      await connection.setRemoteDescription(description);
      for (const waiting of this.#queue.splice(0)) await connection.addIceCandidate(waiting).catch(() => {});
      if (description.type !== "offer") return;
      for (const transceiver of connection.getTransceivers()) transceiver.direction = "sendrecv";
      this.send();
      await connection.setLocalDescription();
      this.#say({ description: connection.localDescription });
    } else if (candidate) {
      if (!connection.remoteDescription) this.#queue.push(candidate);
      else await connection.addIceCandidate(candidate).catch((error) => { if (!this.#isIgnoring) throw error; });
    }
  }

  // Another way to the other side, e.g. after the network has changed.
  mend(config) {
    if (config) this.#connection.setConfiguration(config);
    this.#connection.restartIce();
  }

  close() {
    clearTimeout(this.#timer);
    this.#connection.close();
  }

  async #offer() {
    try {
      this.#isOffering = true;
      await this.#connection.setLocalDescription();
      this.#say({ description: this.#connection.localDescription });
    } catch { /* the connection is closed, or the other side was quicker */ } finally {
      this.#isOffering = false;
    }
  }

  #watch() {
    clearTimeout(this.#timer);
    this.dispatchEvent(new Event("state"));
    if (this.state === "failed") this.dispatchEvent(new Event("broken"));
    if (this.state === "disconnected") this.#timer = setTimeout(() => this.dispatchEvent(new Event("broken")), PATIENCE_MS);
  }

  // { path: "direct" | "relay", protocol, kbps, loss (0 to 1), frames, rtt (ms) }, or null before there is a path.
  async measure() {
    const stats = new Map();
    (await this.#connection.getStats()).forEach((entry) => stats.set(entry.id, entry));
    const all = [...stats.values()];
    const transport = all.find((entry) => entry.type === "transport" && entry.selectedCandidatePairId);
    const pair = stats.get(transport?.selectedCandidatePairId)
      ?? all.find((entry) => entry.type === "candidate-pair" && entry.state === "succeeded" && (entry.selected || entry.nominated));
    if (!pair) return null;
    const near = stats.get(pair.localCandidateId);
    const far = stats.get(pair.remoteCandidateId);
    const inbound = all.filter((entry) => entry.type === "inbound-rtp");
    const sum = (name) => inbound.reduce((total, entry) => total + (entry[name] ?? 0), 0);
    const now = { at: performance.now(), bytes: sum("bytesReceived"), packets: sum("packetsReceived"), lost: sum("packetsLost") };
    const before = this.#before ?? now;
    this.#before = now;
    const [packets, lost] = [now.packets - before.packets, now.lost - before.lost];
    const isRelayed = near?.candidateType === "relay" || far?.candidateType === "relay";
    return {
      path: isRelayed ? "relay" : "direct",
      protocol: near?.relayProtocol ?? near?.protocol ?? "",
      kbps: Math.round((now.bytes - before.bytes) * 8 / Math.max(1, now.at - before.at)),
      loss: packets + lost > 0 ? Math.max(0, lost) / (packets + lost) : 0,
      frames: sum("framesDecoded"),
      rtt: Math.round((pair.currentRoundTripTime ?? 0) * 1000),
    };
  }
}
