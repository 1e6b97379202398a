// Files for everybody in the call: they become a drop, and its link is said in the chat.
import { toast } from "/static/ui/toast.js";

const find = (id) => document.getElementById(id);

export class Files {
  #tell;
  #sending = null;

  constructor(tell) {
    this.#tell = tell;
    if (!find("send-files")) return;
    find("send-files").addEventListener("click", () => find("choose-files").click());
    find("choose-files").addEventListener("change", (event) => {
      this.#send([...event.target.files]);
      event.target.value = "";
    });
    find("stop-sending").addEventListener("click", () => this.#sending?.abort());
    const over = (event, isOver) => {
      if (find("stage").hidden || !event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      find("drop-here").hidden = !isOver;
    };
    addEventListener("dragover", (event) => over(event, true));
    addEventListener("dragleave", (event) => { if (!event.relatedTarget) over(event, false); });
    addEventListener("drop", (event) => {
      over(event, false);
      if (!find("stage").hidden && event.dataTransfer.files.length) this.#send([...event.dataTransfer.files]);
    });
  }

  #send(files) {
    if (!files.length) return;
    if (this.#sending) return toast("Wait until the files before are sent.");
    const form = new FormData();
    for (const file of files) form.append("file", file);
    const names = files.length > 3 ? `${files.length} files` : files.map((file) => file.name).join(", ");
    const request = new XMLHttpRequest(); // fetch tells no progress
    this.#sending = request;
    find("sending").hidden = false;
    find("sending-what").textContent = `Sending ${names}`;
    request.upload.addEventListener("progress", ({ loaded, total }) => { find("sending-progress").value = total ? loaded / total : 0; });
    request.addEventListener("loadend", () => {
      this.#sending = null;
      find("sending").hidden = true;
      const link = request.responseText.trim().split("\n").pop();
      if (request.status === 200 || request.status === 201) this.#tell(`${names}: ${link}`);
      else if (request.status) toast(request.responseText.trim().slice(0, 200) || "The files were not taken.", "bad");
      else toast("The files were not sent.", "bad");
    });
    request.open("POST", "/d/");
    request.setRequestHeader("accept", "text/plain");
    request.send(form);
  }
}
