// One file to the server by tus 1.0; a connection that breaks is taken up again where it broke.
const VERSION = { "tus-resumable": "1.0.0" };
const BODY = { ...VERSION, "content-type": "application/offset+octet-stream" };
const SMALL = 4 << 20; // goes along with the creation of its upload
const PAUSES = [500, 1000, 2000, 4000, 8000, 15000, 15000, 30000];
const encode = (value) => btoa(String.fromCharCode(...new TextEncoder().encode(value)));

function ask(method, url, headers, body, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    if (onProgress) request.upload.addEventListener("progress", (event) => onProgress(event.loaded));
    request.addEventListener("load", () => resolve(request));
    request.addEventListener("error", () => resolve(request));
    request.addEventListener("abort", () => reject(new DOMException("Stopped.", "AbortError")));
    signal?.addEventListener("abort", () => request.abort());
    request.send(body ?? null);
  });
}

export function explain(request) {
  try {
    const problem = JSON.parse(request.responseText);
    return problem.hint ? `${problem.detail} ${problem.hint}` : problem.detail;
  } catch {
    return request.status ? `The server answered ${request.status}.` : "The connection broke.";
  }
}

const isPassing = (status) => status === 0 || status === 423 || status === 409 || status === 429 || status >= 500;
const offsetOf = (request) => Number(request.getResponseHeader("upload-offset"));
const local = (url) => new URL(url).pathname;

// `source` has a size and slice(from, most); `known` is the address of an upload that broke off.
export async function send(source, { metadata, headers, most, known, onUrl, onProgress, onTrouble, signal }) {
  let [url, offset, failures] = [known ?? null, known ? -1 : 0, 0];
  const begin = async () => {
    const whole = source.size <= SMALL ? await source.slice(0, SMALL) : null;
    const said = Object.entries(metadata).map(([name, value]) => `${name} ${encode(String(value))}`).join(",");
    const made = await ask("POST", "/d/tus", { ...headers, ...(whole ? BODY : VERSION), "upload-length": String(source.size), "upload-metadata": said }, whole, whole && onProgress, signal);
    if (made.status === 201) {
      url = local(made.getResponseHeader("location"));
      onUrl?.(url);
      offset = whole ? offsetOf(made) : 0;
    }
    return made;
  };
  const look = async () => {
    const head = await ask("HEAD", url, { ...headers, ...VERSION }, null, null, signal);
    if (head.status === 200) offset = offsetOf(head);
    else if (head.status === 404 || head.status === 410) [url, offset] = [null, 0];
    return head;
  };
  const add = async () => {
    const at = offset;
    const body = await source.slice(at, most);
    const patched = await ask("PATCH", url, { ...headers, ...BODY, "upload-offset": String(at) }, body, (sent) => onProgress(at + sent), signal);
    offset = patched.status === 204 ? offsetOf(patched) : -1;
    return patched;
  };
  while (url === null || offset < source.size) {
    const step = url === null ? begin : offset < 0 ? look : add;
    const before = offset;
    const answer = await step();
    if (answer.status >= 200 && answer.status < 300) {
      if (step !== look || offset > before) failures = 0;
      onTrouble?.("");
      onProgress(Math.max(0, offset));
    } else if (step === look && url === null) {
      continue;
    } else if (!isPassing(answer.status) || failures >= PAUSES.length) {
      throw new Error(explain(answer));
    } else {
      onTrouble?.("The connection broke. It goes on in a moment…");
      await new Promise((resolve) => setTimeout(resolve, PAUSES[failures]));
      failures += 1;
    }
  }
  return url;
}
