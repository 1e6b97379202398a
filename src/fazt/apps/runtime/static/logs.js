// The live log: asks for newer lines, which the cloud answers as soon as there are some, and puts them below.
const MOST = 1000;
const list = document.querySelector("[data-log]");
const isAtEnd = () => list.scrollHeight - list.scrollTop - list.clientHeight < 40;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const second = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hourCycle: "h23" });
const daySecond = new Intl.DateTimeFormat(undefined, { dateStyle: "short", timeStyle: "medium", hourCycle: "h23" });

// In the reader's own time zone, with the day where it is not this one.
function tellTimes() {
  for (const element of list.querySelectorAll("time[data-clock]")) {
    const at = new Date(element.dateTime);
    element.textContent = (at.toDateString() === new Date().toDateString() ? second : daySecond).format(at);
    delete element.dataset.clock;
  }
}

async function refresh() {
  const after = list.lastElementChild?.dataset.id ?? 0;
  const answer = await fetch(`${list.dataset.log}?${new URLSearchParams({ after, run: list.dataset.run })}`);
  if (!answer.ok || answer.redirected) return pause(5000);
  const rows = (await answer.text()).trim();
  if (!rows) return pause(200);
  const follow = isAtEnd();
  list.insertAdjacentHTML("beforeend", rows);
  tellTimes();
  while (list.children.length > MOST) list.firstElementChild.remove();
  document.querySelector("[data-none]")?.remove();
  if (follow) list.scrollTop = list.scrollHeight;
}

tellTimes();
list.scrollTop = list.scrollHeight;
document.querySelector("[data-live]").classList.remove("unseen");
while (true) {
  if (document.hidden) await pause(1000);
  else await refresh().catch(() => pause(3000));
}
