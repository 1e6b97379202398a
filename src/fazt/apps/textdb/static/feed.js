// Adds what changes to the top of the list.
const list = document.querySelector("[data-feed]");
const MOST = 200;

function cell(name, content, className = "") {
  const made = document.createElement(name);
  made.textContent = content;
  if (className) made.className = className;
  return made;
}

function show(change) {
  const item = document.createElement("li");
  const link = cell("a", change.id);
  link.href = list.dataset.documents + encodeURIComponent(change.id);
  const text = change.deleted ? "deleted" : JSON.stringify(change.doc);
  item.append(cell("span", change.seq, "muted"), link, cell("span", text.length > 200 ? `${text.slice(0, 199)}…` : text, "body"));
  list.querySelector("[data-nothing]")?.remove();
  list.prepend(item);
  while (list.children.length > MOST) list.lastElementChild.remove();
}

const source = new EventSource(list.dataset.feed);
source.addEventListener("change", (event) => show(JSON.parse(event.data)));
source.addEventListener("reset", () => location.reload());
