// Buttons with a command for a <dialog>, where the browser does not know them.
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[commandfor]");
  const dialog = button && document.getElementById(button.getAttribute("commandfor"));
  if (!dialog) return;
  if (button.getAttribute("command") === "show-modal") dialog.showModal();
  else dialog.close();
});
