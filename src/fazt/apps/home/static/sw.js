// Shows notices, also when no page is open; a tap leads to what they are about.
self.addEventListener("push", (event) => {
  const told = event.data?.json() ?? { title: "fazt", text: "", path: "/", tag: "" };
  const options = { body: told.text, tag: told.tag || undefined, data: told.path, icon: "/static/ui/icon-192.png" };
  event.waitUntil(self.registration.showNotification(told.title, options));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const target = new URL(event.notification.data || "/", self.location.origin);
  if (target.origin !== self.location.origin) return;
  event.waitUntil(
    self.clients.matchAll({ type: "window" }).then((pages) => {
      const open = pages.find((page) => new URL(page.url).pathname === target.pathname);
      return open ? open.focus() : self.clients.openWindow(target.href);
    }),
  );
});
