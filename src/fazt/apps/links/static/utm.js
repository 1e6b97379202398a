// Writes campaign fields into the address, and reads them from it.
const target = document.querySelector("input[name=target]");
const fields = [...document.querySelectorAll("[data-utm-name]")];

function parse() {
  try {
    return new URL(target.value);
  } catch {
    return null;
  }
}

function read() {
  const url = parse();
  for (const field of fields) field.value = url?.searchParams.get(field.dataset.utmName) ?? "";
}

for (const field of fields) {
  field.addEventListener("input", () => {
    const url = parse();
    if (!url) return;
    if (field.value) url.searchParams.set(field.dataset.utmName, field.value);
    else url.searchParams.delete(field.dataset.utmName);
    target.value = url.href;
  });
}
target.addEventListener("change", read);
read();
