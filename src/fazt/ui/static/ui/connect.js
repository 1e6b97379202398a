// The panel «Connect a client»: a password is made on the spot. Without script the form leads to a page that says the same.
document.addEventListener("submit", async (event) => {
  const form = event.target.closest?.("form[data-connect]");
  if (!form) return;
  event.preventDefault();
  const panel = form.closest(".connect");
  const open = [...panel.querySelectorAll(".client")].map((one) => one.open);
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const made = page.querySelector(".connect");
    if (!answer.ok || !made) throw new Error(answer.statusText);
    made.querySelectorAll(".client").forEach((one, n) => { one.open = open[n]; });
    panel.replaceWith(made);
    made.querySelector(".made").scrollIntoView({ block: "nearest" });
  } catch {
    form.submit();
  }
}, true);
