// Camera, microphone and screen: what this person sends, and from which device.
const CHOICES = { mic: "audioinput", camera: "videoinput", speaker: "audiooutput" };

export class Media extends EventTarget {
  audio = null;
  camera = null;
  screen = null;
  speaker = "";

  // Takes what can be had: both, one, or neither, and says which in words.
  async start() {
    const wishes = [{ audio: this.#wish("mic"), video: this.#picture() }, { audio: this.#wish("mic") }, { video: this.#picture() }];
    for (const wish of wishes) {
      try {
        const stream = await navigator.mediaDevices.getUserMedia(wish);
        this.audio = stream.getAudioTracks()[0] ?? null;
        this.camera = stream.getVideoTracks()[0] ?? null;
        return this.#describe();
      } catch { /* the next wish is smaller */ }
    }
    return navigator.mediaDevices
      ? "No camera or microphone can be used. You can still watch, listen and chat."
      : "Browsers give camera and microphone only to pages with HTTPS. You can still watch, listen and chat.";
  }

  get video() {
    return this.screen ?? this.camera;
  }

  get state() {
    return { audio: Boolean(this.audio?.enabled), video: Boolean(this.screen || this.camera?.enabled), screen: Boolean(this.screen) };
  }

  toggle(kind) {
    const track = kind === "mic" ? this.audio : this.camera;
    if (track) track.enabled = !track.enabled;
    this.#changed();
  }

  async choose(kind, id) {
    localStorage.setItem(`call-${kind}`, id);
    if (kind === "speaker") {
      this.speaker = id;
      this.#changed();
      return;
    }
    const wish = kind === "mic" ? { audio: this.#wish("mic") } : { video: this.#picture() };
    const old = kind === "mic" ? this.audio : this.camera;
    const wasOn = old?.enabled ?? true;
    old?.stop(); // phones open one camera at a time
    const stream = await navigator.mediaDevices.getUserMedia(wish);
    const track = stream.getTracks()[0];
    track.enabled = wasOn;
    if (kind === "mic") this.audio = track;
    else this.camera = track;
    this.#changed();
  }

  async share() {
    if (this.screen) {
      this.screen.stop();
      this.screen = null;
    } else {
      const stream = await navigator.mediaDevices.getDisplayMedia({ video: true });
      this.screen = stream.getVideoTracks()[0];
      this.screen.contentHint = "detail";
      this.screen.addEventListener("ended", () => {
        this.screen = null;
        this.#changed();
      });
    }
    this.#changed();
  }

  async fill(select, kind) {
    const devices = await navigator.mediaDevices?.enumerateDevices() ?? [];
    const own = devices.filter((device) => device.kind === CHOICES[kind] && device.deviceId);
    const used = (kind === "mic" ? this.audio : kind === "camera" ? this.camera : null)?.getSettings().deviceId ?? this.speaker;
    select.replaceChildren(...own.map((device, n) => new Option(device.label || `${kind} ${n + 1}`, device.deviceId, false, device.deviceId === used)));
    select.disabled = own.length === 0;
  }

  stop() {
    for (const track of [this.audio, this.camera, this.screen]) track?.stop();
  }

  #wish(kind) {
    const id = localStorage.getItem(`call-${kind}`);
    return id ? { deviceId: { ideal: id } } : true;
  }

  #picture() {
    const chosen = this.#wish("camera");
    return { ...(chosen === true ? {} : chosen), width: { ideal: 1280 }, height: { ideal: 720 } };
  }

  #describe() {
    if (this.audio && this.camera) return "Camera and microphone are ready.";
    return this.audio ? "The microphone is ready; no camera can be used." : "The camera is ready; no microphone can be used.";
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
