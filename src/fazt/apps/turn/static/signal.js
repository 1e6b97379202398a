// The WebSocket of a call: messages both ways, and back again by itself when the network went away.
const PAUSES = [0.3, 1, 2, 4, 8];
const SILENCE_MS = 12000;

export class Signal extends EventTarget {
  #socket = null;
  #secret = "";
  #tries = 0;
  #isOver = false;
  #name;
  #address;
  #timer = 0;

  constructor(room, key, name) {
    super();
    this.#name = name;
    const query = key ? `?${new URLSearchParams({ key })}` : "";
    this.#address = `${location.origin.replace(/^http/, "ws")}/call/${room}/ws${query}`;
    addEventListener("online", () => this.#again(0));
  }

  open() {
    const socket = new WebSocket(this.#address);
    this.#socket = socket;
    const patience = setTimeout(() => socket.close(), SILENCE_MS);
    socket.addEventListener("open", () => this.send({ type: "join", name: this.#name, secret: this.#secret }));
    socket.addEventListener("message", (event) => {
      const message = JSON.parse(event.data);
      if (message.type === "welcome") {
        clearTimeout(patience);
        this.#secret = message.secret;
        this.#tries = 0;
      }
      if (message.type === "refused") this.#isOver = true;
      this.dispatchEvent(new CustomEvent(message.type, { detail: message }));
    });
    socket.addEventListener("close", () => {
      clearTimeout(patience);
      if (this.#isOver || socket !== this.#socket) return;
      this.dispatchEvent(new Event("lost"));
      this.#again(PAUSES[Math.min(this.#tries++, PAUSES.length - 1)] * 1000);
    });
  }

  send(message) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  leave() {
    this.send({ type: "leave" });
    this.#isOver = true;
    this.#socket?.close();
  }

  #again(pause) {
    if (this.#isOver || this.#socket?.readyState <= WebSocket.OPEN) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.open(), pause);
  }
}
