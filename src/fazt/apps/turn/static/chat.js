// The chat beside the pictures.
const LINK = /https?:\/\/[^\s<>"]+/g;

export class Chat {
  #panel = document.getElementById("chat");
  #list = document.getElementById("messages");
  #button = document.getElementById("open-chat");

  constructor(say) {
    const form = document.getElementById("say");
    this.#button.addEventListener("click", () => this.#show(this.#panel.hidden));
    document.getElementById("close-chat").addEventListener("click", () => this.#show(false));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = form.elements.text.value.trim();
      if (!text || !say(text)) return;
      form.reset();
      this.add("You", text);
    });
  }

  // Something of one's own that was not typed: the chat opens, so that one sees that it is there.
  say(text) {
    if (this.#panel.hidden) this.#show(true);
    this.add("You", text);
  }

  add(name, text) {
    const item = document.createElement("li");
    const who = document.createElement("b");
    who.textContent = name;
    item.append(who);
    let at = 0;
    for (const found of text.matchAll(LINK)) {
      const link = Object.assign(document.createElement("a"), { href: found[0], textContent: found[0], target: "_blank", rel: "noopener noreferrer" });
      item.append(text.slice(at, found.index), link);
      at = found.index + found[0].length;
    }
    item.append(text.slice(at));
    this.#list.append(item);
    item.scrollIntoView({ block: "end" });
    this.#button.classList.toggle("news", this.#panel.hidden);
  }

  #show(isOpen) {
    this.#panel.hidden = !isOpen;
    this.#button.classList.remove("news");
    if (isOpen) this.#panel.querySelector("input").focus();
    else this.#button.focus();
  }
}
