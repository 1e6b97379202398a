// The forms in which code is called: a mail for email(), and the classic form, a script with `req` and `res`.

const { parse, stringify } = JSON;

export function createMessage(about, request) {
  const said = { rejected: null, forwards: [], replies: [] };
  const headers = new Headers();
  for (const [name, value] of about.headers ?? []) {
    try {
      headers.append(name, value);
    } catch {
      // a header that HTTP could not carry; it is in `raw`
    }
  }
  return {
    from: about.from,
    to: about.to,
    headers,
    raw: request.body ?? new Blob([]).stream(),
    rawSize: about.size,
    id: about.id,
    subject: about.subject ?? headers.get("subject"),
    text: about.text ?? null,
    verdicts: about.verdicts ?? null,
    setReject(reason) {
      said.rejected = String(reason);
    },
    forward(to, added) {
      said.forwards.push({ to: String(to), headers: [...new Headers(added ?? {})] });
      return Promise.resolve();
    },
    async reply(message) {
      const raw = message.raw instanceof ReadableStream ? await new Response(message.raw).text() : String(message.raw);
      said.replies.push({ from: String(message.from), to: String(message.to), raw });
    },
    outcome: () => said,
  };
}

// --- the classic form: a script with `req` and `res`

async function readRequest(request) {
  const url = new URL(request.url);
  const type = request.headers.get("content-type") ?? "";
  const text = request.body ? await request.text() : "";
  const query = Object.fromEntries(url.searchParams);
  let body = text;
  if (/^application\/(\S+\+)?json/i.test(type) && text) {
    try {
      body = parse(text);
    } catch {
      body = text;
    }
  } else if (/^application\/x-www-form-urlencoded/i.test(type)) {
    body = Object.fromEntries(new URLSearchParams(text));
  }
  const headers = Object.fromEntries(request.headers);
  return { method: request.method, path: decodeURI(url.pathname), url: request.url, query, headers, body, text };
}

function createAnswer() {
  const headers = new Headers();
  let status = 200;
  let body = null;
  const res = {
    status(code) {
      status = code;
      return res;
    },
    header(name, value) {
      headers.set(name, value);
      return res;
    },
    json(value) {
      if (!headers.has("content-type")) headers.set("content-type", "application/json");
      body = stringify(value);
      return res;
    },
    send(value) {
      const isBytes = value instanceof Uint8Array || value instanceof ArrayBuffer || value instanceof Blob;
      if (typeof value === "object" && value !== null && !isBytes) return res.json(value);
      body = isBytes ? value : String(value ?? "");
      if (!headers.has("content-type") && !isBytes) {
        headers.set("content-type", `text/${/^\s*</.test(body) ? "html" : "plain"}; charset=utf-8`);
      }
      return res;
    },
  };
  return { res, finish: () => new Response(body, { status, headers }) };
}

export async function runScript(script, request) {
  const { res, finish } = createAnswer();
  await script(await readRequest(request), res);
  return finish();
}
