// The npm package `webdav`, as Obsidian's plugins use it. Prints "ok" when everything was as it should be.
import assert from "node:assert/strict";
import { createClient } from "webdav";

const [url, username, password] = process.argv.slice(2);
const client = createClient(url, { username, password });
await client.createDirectory("/npm");
assert.equal(await client.putFileContents("/npm/a b.txt", "hello"), true);
assert.equal(await client.putFileContents("/npm/a b.txt", "other", { overwrite: false }), false);
const [entry] = await client.getDirectoryContents("/npm");
assert.equal(entry.filename, "/npm/a b.txt");
assert.equal(entry.size, 5);
await client.copyFile("/npm/a b.txt", "/npm/c.txt");
await client.moveFile("/npm/c.txt", "/npm/d.txt");
assert.deepEqual([await client.exists("/npm/c.txt"), await client.exists("/npm/d.txt")], [false, true]);
const lock = await client.lock("/npm/d.txt");
await assert.rejects(client.putFileContents("/npm/d.txt", "x"));
await client.unlock("/npm/d.txt", lock.token);
assert.equal(await client.getFileContents("/npm/d.txt", { format: "text" }), "hello");
await client.deleteFile("/npm");
console.log("ok");
