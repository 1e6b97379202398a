// The pictures on the stage: one for each person, with name, mute mark and the figures of its path.
const WORDS = { connecting: "connecting…", new: "connecting…", disconnected: "reconnecting…", failed: "no way through yet…" };

export class Tile {
  #figure;

  constructor(stage, name, isOwn = false) {
    this.#figure = document.getElementById("tile").content.firstElementChild.cloneNode(true);
    this.video = this.#figure.querySelector("video");
    this.video.muted = isOwn;
    this.#figure.classList.toggle("own", isOwn);
    this.rename(name);
    stage.append(this.#figure);
  }

  rename(name) {
    this.name = name;
    this.#figure.querySelector(".tile-name").textContent = this.#figure.classList.contains("own") ? `${name} (you)` : name;
    this.#figure.querySelector(".face").textContent = name.slice(0, 1).toUpperCase();
    this.video.setAttribute("aria-label", name);
  }

  play(stream) {
    if (this.video.srcObject !== stream) this.video.srcObject = stream;
  }

  show({ audio = true, video = true, screen = false }) {
    this.#figure.classList.toggle("quiet", !audio);
    this.#figure.classList.toggle("dark", !video);
    this.#figure.classList.toggle("screen", screen);
  }

  showPath(state, figures) {
    const place = this.#figure.querySelector(".tile-path");
    Object.assign(this.#figure.dataset, { state, ...figures });
    if (state !== "connected") {
      place.textContent = WORDS[state] ?? "";
    } else if (figures) {
      const rate = figures.kbps >= 1000 ? `${(figures.kbps / 1000).toFixed(1)} Mbit/s` : `${figures.kbps} kbit/s`;
      const lost = figures.loss > 0.005 ? ` · ${(figures.loss * 100).toFixed(0)} % lost` : "";
      place.textContent = `${figures.path === "relay" ? "relayed" : "direct"} · ${rate}${lost}`;
    }
  }

  remove() {
    this.video.srcObject = null;
    this.#figure.remove();
  }
}
