// Asks the browser for a place to send notices to, and hands it to the form.
import { toast } from "/static/ui/toast.js";

const form = document.querySelector("#take-notices");
const said = document.querySelector("#no-notices");

function toBytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

async function subscribe() {
  if ((await Notification.requestPermission()) !== "granted") throw new Error("This browser was told to show no notices.");
  await navigator.serviceWorker.register("/sw.js");
  const worker = await navigator.serviceWorker.ready;
  const key = toBytes(form.dataset.key);
  return (await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key })).toJSON();
}

if (form && "serviceWorker" in navigator && "PushManager" in window && window.isSecureContext) {
  form.hidden = false;
  said.hidden = true;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const made = await subscribe();
      form.elements.endpoint.value = made.endpoint;
      form.elements.public_key.value = made.keys.p256dh;
      form.elements.auth_secret.value = made.keys.auth;
      form.submit();
    } catch (error) {
      toast(error.message || "The browser did not let us.", "bad");
    }
  });
}
