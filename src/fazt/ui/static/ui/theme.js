// Light, dark or the device's choice: kept in a cookie, so that the server draws the page right at once.
const YEAR = 31536000;

export function setTheme(theme) {
  document.cookie = `fazt-theme=${theme}; path=/; max-age=${theme ? YEAR : 0}; samesite=lax`;
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

export function watchTheme() {
  document.addEventListener("change", (event) => {
    if (event.target.matches?.("[data-theme-choice]")) setTheme(event.target.value);
  });
}
