// A question in a dialog.

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
