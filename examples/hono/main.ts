// A small API with Hono: `npm install`, then `fazt deploy . --name api`.
import { Hono } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { cors } from "hono/cors";
import { HTTPException } from "hono/http-exception";
import { stream } from "hono/streaming";

const app = new Hono();

app.use("/api/*", cors());
app.use("*", async (c, next) => {
  await next();
  c.header("x-answered-by", "hono");
});

app.get("/", (c) => c.text("Hello Hono!"));
app.get("/posts/:id", (c) => {
  const page = c.req.query("page");
  c.header("X-Message", "Hi!");
  return c.text(`You want to see ${page} of ${c.req.param("id")}`);
});
app.get("/api/hello", (c) => c.json({ ok: true, message: "Hello Hono!" }));
app.post("/posts", async (c) => c.json(await c.req.json(), 201));
app.get("/page", (c) => c.html("<h1>Hello! Hono!</h1>"));
app.get("/old", (c) => c.redirect("/"));
app.get("/visits", (c) => {
  const seen = Number(getCookie(c, "seen") ?? "0") + 1;
  setCookie(c, "seen", String(seen));
  return c.text(`${seen}`);
});
app.get("/secret", () => {
  throw new HTTPException(401, { message: "Unauthorized" });
});
app.get("/stream", (c) =>
  stream(c, async (s) => {
    for (const word of ["one ", "two ", "three"]) await s.write(word);
  }));

app.get("/books/*", (c) => c.text(`books: ${c.req.path}`));
const shelf = new Hono().get("/list", (c) => c.text(`shelf of ${new URL(c.req.url).host}`));
app.route("/shelf", shelf);

app.notFound((c) => c.text("Custom 404 Message", 404));
app.onError((error, c) => error instanceof HTTPException ? error.getResponse() : c.text("Custom Error Message", 500));

export default app;
