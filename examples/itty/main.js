// To-dos with itty-router, kept in db: `npm install`, then `fazt deploy . --name todos`.
import { AutoRouter, error, withContent } from "itty-router";

const router = AutoRouter();

router
  .get("/hello/:name", ({ name }) => `Hello, ${name}!`)
  .get("/todos", async () => (await db.list({ prefix: "todo:" })).map((entry) => entry.value))
  .get("/todos/:id", async ({ id }) => (await db.get(`todo:${id}`)) ?? error(404, "That todo was not found"))
  .post("/todos", withContent, async ({ content }) => {
    const todo = { id: await db.add("todos"), ...content };
    await db.set(`todo:${todo.id}`, todo);
    return todo;
  })
  .get("/search", ({ query }) => query)
  .get("/files/:path+", ({ path }) => ({ path }))
  .get("/broken", () => {
    throw new Error("broken");
  });

export default { ...router };
