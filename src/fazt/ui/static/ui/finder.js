// The search box at the top: what is found shows up below it while somebody types. It comes with the focus.
const WAIT_MS = 120;
const box = document.querySelector(".finder input");

function listen() {
  const list = document.createElement("div");
  list.className = "hits-box";
  list.id = "finder-hits";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Found");
  list.hidden = true;
  box.form.append(list);
  box.setAttribute("role", "combobox");
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-controls", list.id);
  box.setAttribute("aria-expanded", "false");
  let timer = 0;
  let asking = null;
  let chosen = -1;

  const options = () => [...list.querySelectorAll("[role=option]")];
  const show = (isOpen) => {
    list.hidden = !isOpen;
    box.setAttribute("aria-expanded", String(isOpen));
    choose(-1);
  };
  const choose = (index) => {
    const all = options();
    chosen = all.length ? Math.max(-1, Math.min(index, all.length - 1)) : -1;
    all.forEach((one, at) => one.setAttribute("aria-selected", String(at === chosen)));
    if (chosen < 0) box.removeAttribute("aria-activedescendant");
    else {
      box.setAttribute("aria-activedescendant", all[chosen].id);
      all[chosen].scrollIntoView({ block: "nearest" });
    }
  };
  const ask = async () => {
    asking?.abort();
    const words = box.value.trim();
    if (words.length < 2) return show(false);
    asking = new AbortController();
    try {
      const answer = await fetch(`/search?part=box&q=${encodeURIComponent(words)}`, { signal: asking.signal });
      if (!answer.ok || answer.redirected) return;
      const html = await answer.text();
      const kept = options()[chosen]?.getAttribute("href"); // whoever has chosen one already keeps it
      list.innerHTML = html;
      show(document.activeElement === box);
      if (kept) choose(options().findIndex((one) => one.getAttribute("href") === kept));
    } catch (error) {
      if (error.name !== "AbortError") show(false);
    }
  };

  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT_MS);
  });
  box.addEventListener("focus", () => list.childElementCount && box.value.trim().length > 1 && show(true));
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      show(false);
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (list.hidden) return;
      event.preventDefault();
      choose(chosen + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && chosen >= 0 && !list.hidden) {
      event.preventDefault();
      options()[chosen].click();
    }
  });
  box.form.addEventListener("focusout", (event) => box.form.contains(event.relatedTarget) || show(false));
  list.addEventListener("mousedown", (event) => event.preventDefault());
  if (box.value !== box.defaultValue) ask(); // somebody was quicker than this was here
}

listen();
