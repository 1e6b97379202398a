// Copy buttons: <button data-copy> copies the <code> beside it, data-copy="#id" the text or value of that element.
const toast = async (...said) => (await import("./toast.js")).toast(...said);

function show(root) {
  for (const button of root.querySelectorAll("button[data-copy][hidden]")) button.hidden = false;
}

function find(button) {
  const target = button.dataset.copy ? document.querySelector(button.dataset.copy) : button.previousElementSibling;
  return target?.value ?? target?.textContent ?? "";
}

async function write(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const box = document.createElement("textarea"); // plain HTTP has no clipboard
  box.value = text;
  box.className = "said";
  document.body.append(box);
  box.select();
  const done = document.execCommand("copy");
  box.remove();
  if (!done) throw new Error("not copied");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  try {
    await write(find(button));
    const label = button.querySelector("span");
    const before = label?.textContent;
    button.classList.add("done");
    if (label) label.textContent = "Copied";
    else toast("Copied.");
    setTimeout(() => {
      button.classList.remove("done");
      if (label) label.textContent = before;
    }, 2000);
  } catch {
    toast("The browser did not let us copy. Select the text instead.", "bad");
  }
});

show(document);
new MutationObserver((changes) => {
  for (const change of changes) for (const node of change.addedNodes) if (node.querySelectorAll) show(node.parentNode ?? node);
}).observe(document.body, { childList: true, subtree: true });
