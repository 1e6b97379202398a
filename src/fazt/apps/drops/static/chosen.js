// Files that somebody chose, dropped or pasted, folders with what is in them; as {file, path}.
const LEFT_BEHIND = new Set([".DS_Store", "Thumbs.db", "desktop.ini"]);

export const ofInput = (files) =>
  Array.from(files, (file) => ({ file, path: file.webkitRelativePath || file.name })).filter(({ file }) => !LEFT_BEHIND.has(file.name));

async function walk(entry, path, found) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    if (!LEFT_BEHIND.has(file.name)) found.push({ file, path: path + file.name });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // 100 at a time
    if (!some.length) return;
    for (const one of some) await walk(one, `${path}${entry.name}/`, found);
  }
}

export async function ofTransfer(transfer) {
  const entries = Array.from(transfer.items ?? [], (item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return ofInput(transfer.files);
  const found = [];
  for (const entry of entries) await walk(entry, "", found);
  return found;
}

export function sizeOf(bytes) {
  const units = ["bytes", "KB", "MB", "GB", "TB"];
  let [value, unit] = [bytes, 0];
  while (value >= 999.95 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return unit ? `${value.toFixed(1).replace(/\.0$/, "")} ${units[unit]}` : `${bytes} ${bytes === 1 ? "byte" : "bytes"}`;
}
