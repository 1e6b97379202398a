// End-to-end encryption: RFC 8188 (aes128gcm) with records of 64 KiB. docs/guide/drops.md has the format.
export const RECORD = 65536;
export const ROOM = RECORD - 17;
export const HEADER = 21;
const text = new TextEncoder();
const WRONG = "This cannot be decrypted: the link's key is wrong, or the bytes were changed.";

export const isPossible = () => Boolean(globalThis.crypto?.subtle);
export const random = (size) => crypto.getRandomValues(new Uint8Array(size));
export const sealedSize = (size) => HEADER + size + 17 * Math.max(1, Math.ceil(size / ROOM));

export function toBase64(bytes) {
  let binary = "";
  for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

export function fromBase64(said) {
  const binary = atob(said.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(binary, (c) => c.charCodeAt(0));
}

export function headerOf(salt) {
  const header = new Uint8Array(HEADER);
  header.set(salt);
  new DataView(header.buffer).setUint32(16, RECORD);
  return header;
}

export async function cipherOf(key, salt) {
  const base = await crypto.subtle.importKey("raw", key, "HKDF", false, ["deriveBits"]);
  const derive = (info, size) =>
    crypto.subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt, info: text.encode(info) }, base, 8 * size);
  const secret = await derive("Content-Encoding: aes128gcm\0", 16);
  const nonce = new Uint8Array(await derive("Content-Encoding: nonce\0", 12));
  const aes = await crypto.subtle.importKey("raw", secret, "AES-GCM", false, ["encrypt", "decrypt"]);
  const ivOf = (number) => {
    const iv = nonce.slice();
    const view = new DataView(iv.buffer);
    view.setUint32(8, view.getUint32(8) ^ number);
    return iv;
  };
  return {
    async seal(number, data, isLast) {
      const padded = new Uint8Array(data.length + 1);
      padded.set(data);
      padded[data.length] = isLast ? 2 : 1;
      return new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv: ivOf(number) }, aes, padded));
    },
    async open(number, record) {
      let padded;
      try {
        padded = new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: ivOf(number) }, aes, record));
      } catch {
        throw new Error(WRONG);
      }
      let end = padded.length - 1;
      while (end >= 0 && padded[end] === 0) end -= 1;
      if (end < 0 || padded[end] > 2) throw new Error(WRONG);
      return { data: padded.subarray(0, end), isLast: padded[end] === 2 };
    },
  };
}

// A file as it is sent: any part of its encrypted bytes can be made again, so an upload can go on anywhere.
export class Sealed {
  constructor(file, key, salt) {
    this.file = file;
    this.salt = salt;
    this.size = sealedSize(file.size);
    this.ready = cipherOf(key, salt);
  }

  async slice(from, most) {
    const cipher = await this.ready;
    const records = Math.max(1, Math.ceil(this.file.size / ROOM));
    const first = from < HEADER ? 0 : Math.floor((from - HEADER) / RECORD);
    const last = Math.min(records, first + Math.max(1, Math.floor(most / RECORD)));
    const plain = new Uint8Array(await this.file.slice(first * ROOM, last * ROOM).arrayBuffer());
    const parts = first === 0 ? [headerOf(this.salt)] : [];
    for (let n = first; n < last; n += 1) {
      parts.push(await cipher.seal(n, plain.subarray((n - first) * ROOM, (n - first + 1) * ROOM), n === records - 1));
    }
    return new Blob(parts).slice(from - (first === 0 ? 0 : HEADER + first * RECORD));
  }
}

export async function sealBytes(key, data) {
  const sealed = new Sealed(new Blob([data]), key, random(16));
  return new Uint8Array(await (await sealed.slice(0, Infinity)).arrayBuffer());
}

export async function openBytes(key, bytes) {
  const cipher = await cipherOf(key, bytes.subarray(0, 16));
  const parts = [];
  let isLast = false;
  for (let n = 0, at = HEADER; at < bytes.length && !isLast; n += 1, at += RECORD) {
    const opened = await cipher.open(n, bytes.subarray(at, at + RECORD));
    parts.push(opened.data);
    isLast = opened.isLast;
  }
  if (!isLast) throw new Error(WRONG);
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

const RETRIES = [300, 1000, 2000, 4000, 8000, 15000];

// The bytes of an encrypted file as they come in; a connection that breaks is taken up again where it broke.
export async function* openRemote({ url, key, salt, size }) {
  const cipher = await cipherOf(key, salt);
  const total = sealedSize(size);
  let [taken, number, failures, isLast] = [0, 0, 0, false];
  while (taken < total) {
    try {
      const answer = await fetch(`${url}?get`, { headers: taken ? { range: `bytes=${taken}-` } : {}, cache: "no-store" });
      if (answer.status !== (taken ? 206 : 200)) throw Object.assign(new Error("This is not here any more."), { isFinal: answer.status < 500 });
      const reader = answer.body.getReader();
      let rest = new Uint8Array(0);
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        const joined = new Uint8Array(rest.length + value.length);
        joined.set(rest);
        joined.set(value, rest.length);
        rest = joined;
        for (;;) {
          const need = Math.min(taken === 0 ? HEADER : RECORD, total - taken);
          if (need === 0 || rest.length < need) break;
          const piece = rest.slice(0, need);
          rest = rest.subarray(need);
          if (taken === 0) {
            const header = headerOf(salt);
            if (!header.every((byte, at) => byte === piece[at])) throw Object.assign(new Error(WRONG), { isFinal: true });
          } else {
            const opened = await cipher.open(number, piece).catch((error) => { throw Object.assign(error, { isFinal: true }); });
            isLast = opened.isLast;
            number += 1;
            failures = 0;
            if (isLast !== (taken + need === total)) throw Object.assign(new Error(WRONG), { isFinal: true });
            yield opened.data;
          }
          taken += need;
        }
      }
      if (taken < total) throw new Error("The connection broke.");
    } catch (error) {
      if (error.isFinal || failures >= RETRIES.length) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRIES[failures]));
      failures += 1;
    }
  }
}
