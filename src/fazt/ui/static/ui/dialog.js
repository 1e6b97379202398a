// Dialogs: ask before a form goes (data-confirm), and open <dialog> where the browser has no command buttons.

export function confirm(question, yes = "Yes", isDanger = false) {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-label", question);
  const form = document.createElement("form");
  form.method = "dialog";
  const text = document.createElement("p");
  text.textContent = question;
  const end = document.createElement("div");
  end.className = "end";
  for (const [value, label, css] of [["", "Cancel", "button"], ["yes", yes, `button main${isDanger ? " danger" : ""}`]]) {
    const button = document.createElement("button");
    button.className = css;
    button.value = value;
    button.textContent = label;
    end.append(button);
  }
  form.append(text, end);
  dialog.append(form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-confirm]");
  if (!button || button.dataset.confirmed) return;
  event.preventDefault();
  event.stopPropagation();
  const yes = button.textContent.trim() || button.title || "Yes";
  if (!(await confirm(button.dataset.confirm, yes, button.classList.contains("danger")))) return;
  button.dataset.confirmed = "1";
  button.click();
  delete button.dataset.confirmed;
}, true);

if (!("commandForElement" in HTMLButtonElement.prototype)) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[commandfor]");
    const dialog = button && document.getElementById(button.getAttribute("commandfor"));
    if (!dialog) return;
    if (button.getAttribute("command") === "show-modal") dialog.showModal();
    else dialog.close();
  });
}
