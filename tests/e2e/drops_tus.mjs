// node drops_tus.mjs ENDPOINT FILE AUTHORIZATION PARALLEL: tus-js-client sends a file; prints where the drop is.
import { createReadStream } from "node:fs";
import { Upload } from "tus-js-client";

const [endpoint, file, authorization, parallel] = process.argv.slice(2);
const parts = Number(parallel);
let url = "";
const upload = new Upload(createReadStream(file), {
  endpoint,
  headers: { authorization },
  metadata: { filename: "from tus-js-client.bin", filetype: "application/octet-stream" },
  retryDelays: Array(400).fill(20),
  ...(parts > 1 ? { parallelUploads: parts } : {}),
  onAfterResponse: (_request, response) => {
    url = response.getHeader("X-Drop-Url") ?? url;
  },
  onError: (error) => {
    console.error(String(error));
    process.exit(1);
  },
  onSuccess: () => console.log(url),
});
upload.start();
