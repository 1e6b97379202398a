// Says while one types whether it is JSON, and tidies it up. The server checks it again.
const form = document.querySelector("form[data-json]");
const text = form.elements.text;
const said = form.querySelector("[data-said]");
const tidy = form.querySelector("[data-tidy]");

function look() {
  let fault = "";
  try {
    JSON.parse(text.value);
  } catch (error) {
    fault = error.message;
  }
  said.hidden = !fault;
  said.textContent = fault;
  text.setAttribute("aria-invalid", String(Boolean(fault)));
  // tidying goes through the browser's numbers, which have 53 bits: offered only where no digit would be lost
  tidy.hidden = Boolean(fault) || /\d{16,}|\d\.\d*0\b|[0-9][eE]/.test(text.value);
}

tidy.addEventListener("click", () => {
  text.value = `${JSON.stringify(JSON.parse(text.value), null, 2)}\n`;
});
text.addEventListener("input", look);
text.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "s") {
    event.preventDefault();
    form.requestSubmit();
  }
});
look();
