// Shows the collection `orders` and every change of it, by TextDB's feed of changes (server-sent events).
// EventSource can send no token, so the stream is read with fetch.
const cloud = `${location.protocol}//${location.host.replace(/^[^.]+\./, "")}`; // shop.example.com is at example.com
const find = (id) => document.getElementById(id);
const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given) {
  sessionStorage.token = given;
  history.replaceState(null, "", location.pathname);
}

find("login").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.token = new FormData(event.target).get("token").trim();
  find("login").hidden = true;
  follow();
});

function show({ id, doc, deleted }) {
  const old = document.getElementById(`order-${id}`);
  if (deleted) old?.remove();
  else {
    const item = document.createElement("li");
    item.id = `order-${id}`;
    for (const text of [doc.items.map((one) => `${one.count} × ${one.name}`).join(", "), `${doc.from}, ${new Date(doc.at).toLocaleString()}`]) {
      const line = document.createElement("p");
      line.textContent = text;
      item.append(line);
    }
    if (old) old.replaceWith(item);
    else find("orders").prepend(item);
  }
  find("none").hidden = find("orders").childElementCount > 0;
}

async function follow() {
  let since = 0;
  for (;;) {
    try {
      const url = `${cloud}/db/orders/_changes?feed=eventsource&since=${since}`;
      const answer = await fetch(url, { headers: { authorization: `Bearer ${sessionStorage.token}` } });
      if (answer.status === 401 || answer.status === 403) return ask();
      if (answer.ok) {
        find("state").textContent = "live";
        find("none").hidden = find("orders").childElementCount > 0;
        let text = "";
        for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
          const events = (text + piece).split("\n\n");
          text = events.pop();
          for (const event of events) {
            const data = /^data: (\{"seq".*)$/m.exec(event);
            if (!data) continue;
            const change = JSON.parse(data[1]);
            since = change.seq;
            show(change);
          }
        }
      }
    } catch {
      find("state").textContent = "connecting";
    }
    await new Promise((resolve) => setTimeout(resolve, 1000)); // there is no collection yet, or the connection broke
  }
}

function ask() {
  delete sessionStorage.token;
  find("state").textContent = "";
  find("login").hidden = false;
}

if (sessionStorage.token) follow();
else ask();
