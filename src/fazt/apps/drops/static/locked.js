// The key of an encrypted drop is in the fragment: it has to outlive the form that asks for the password.
for (const form of document.querySelectorAll("form[data-keep-fragment]")) {
  form.addEventListener("submit", () => {
    form.action = form.action.split("#")[0] + location.hash;
  });
}
