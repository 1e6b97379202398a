// The chat beside the pictures.
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

  add(name, text) {
    const item = document.createElement("li");
    const who = document.createElement("b");
    who.textContent = name;
    item.append(who, text);
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
