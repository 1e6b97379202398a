"""Code answers: both forms, TypeScript, files first, the store, variables, the apps' functions, replacement."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

from tests.apps.runtime.conftest import Cloud
from tests.program import wait_until


def test_a_module_answers_requests(cloud: Cloud) -> None:
    cloud.code("hello", "return Response.json({ url: request.url, method: request.method, ...ctx });")
    answer = cloud.ask("hello", "/a%20b?x=1")
    assert answer.json() == {
        "url": "http://hello.localhost/a%20b?x=1",
        "method": "GET",
        "site": "hello",
        "version": 1,
    }
    assert cloud.ask("hello", "/", "DELETE").json()["method"] == "DELETE"


def test_what_is_exported_may_be_a_function(cloud: Cloud) -> None:
    cloud.deploy(
        "bare", {"main.js": "export default (request) => new Response('bare ' + new URL(request.url).pathname)"}
    )
    assert cloud.ask("bare", "/x").text == "bare /x"


def test_a_script_without_exports_is_run_for_each_request(cloud: Cloud) -> None:
    script = """
const seen = await db.add("seen");
if (req.path === "/text") res.header("x-seen", seen).status(201).send("hi " + req.query.name);
else if (req.path === "/page") res.send("<h1>hi</h1>");
else if (req.path === "/nothing") res.status(204);
else res.json({ method: req.method, body: req.body, type: req.headers["content-type"] });
"""
    cloud.deploy("classic", {"main.js": script})
    answer = cloud.ask("classic", "/text?name=Ann")
    assert (answer.status_code, answer.text, answer.headers["x-seen"]) == (201, "hi Ann", "1")
    assert cloud.ask("classic", "/page").headers["content-type"].startswith("text/html")
    assert cloud.ask("classic", "/nothing").status_code == 204
    sent = cloud.ask("classic", "/x", "POST", json={"a": 1})
    assert sent.json() == {"method": "POST", "body": {"a": 1}, "type": "application/json"}
    form = cloud.ask("classic", "/x", "POST", data={"a": "1"})
    assert form.json()["body"] == {"a": "1"}


def test_typescript_runs_as_it_is_and_imports_its_own_files(cloud: Cloud) -> None:
    files = {
        "main.ts": """
import { greet, type Greeting } from "./lib/greet.ts";
import words from "./words.json" with { type: "json" };
const greeting: Greeting = { text: words.hello };
export default { fetch: (): Response => new Response(greet(greeting)) };
""",
        "lib/greet.ts": "export type Greeting = { text: string };\nexport const greet = (g: Greeting) => `${g.text}!`;",
        "words.json": '{"hello": "good day"}',
    }
    cloud.deploy("typed", files)
    assert cloud.ask("typed").text == "good day!"
    assert cloud.ask("typed", "/lib/greet.ts").text == "good day!"  # the code answers; sources are not shown


def test_a_script_may_be_typescript(cloud: Cloud) -> None:
    cloud.deploy("typedscript", {"main.ts": "const n: number = Number(req.query.n);\nres.json({ twice: n * 2 });"})
    assert cloud.ask("typedscript", "/?n=21").json() == {"twice": 42}


def test_files_answer_first_where_the_manifest_says_so(cloud: Cloud) -> None:
    files = {"main.js": "res.send('code')", "public/a.txt": "file", "index.html": "<p>page"}
    cloud.deploy("mixed", files, static=["public", "index.html"])
    assert cloud.ask("mixed", "/public/a.txt").text == "file"
    assert cloud.ask("mixed", "/").text == "<p>page"
    assert cloud.ask("mixed", "/other").text == "code"
    assert cloud.ask("mixed", "/public/a.txt", "POST").text == "code"
    cloud.deploy("mixed", files, static=False)
    assert cloud.ask("mixed", "/public/a.txt").text == "code"


def test_bodies_stream_both_ways(cloud: Cloud) -> None:
    cloud.code(
        "echo", "return new Response(request.body, { headers: { 'x-type': request.headers.get('content-type') } });"
    )
    blob = bytes(range(256)) * 8_000
    answer = cloud.ask("echo", "/", "POST", content=blob, headers={"content-type": "application/x-own"})
    assert answer.content == blob
    assert answer.headers["x-type"] == "application/x-own"

    def pieces() -> Iterator[bytes]:
        for _ in range(50):
            yield b"x" * 10_000

    assert len(cloud.ask("echo", "/", "PUT", content=pieces()).content) == 500_000


def test_an_answer_comes_piece_by_piece(cloud: Cloud) -> None:
    cloud.code(
        "stream",
        """
  const encoder = new TextEncoder();
  return new Response(new ReadableStream({ async start(controller) {
    controller.enqueue(encoder.encode("first"));
    while (!await db.get("go")) await new Promise((resolve) => setTimeout(resolve, 5));
    controller.enqueue(encoder.encode("second"));
    controller.close();
  } }));""",
    )
    with cloud.visitor.stream("GET", "/", headers={"host": "stream.localhost"}) as answer:
        pieces = answer.iter_bytes()
        assert next(pieces) == b"first"
        cloud.owner.put("/api/v1/functions/stream/kv/entry", json={"key": "go", "value": True})
        assert b"".join(pieces) == b"second"


def test_head_and_cookies_and_status_go_through(cloud: Cloud) -> None:
    cloud.code(
        "plain",
        """
  const headers = new Headers([["set-cookie", "a=1"], ["set-cookie", "b=2"], ["x-own", "yes"]]);
  return new Response(request.method === "HEAD" ? null : "body", { status: 418, headers });""",
    )
    assert cloud.ask("plain", "/", "HEAD").status_code == 418
    answer = cloud.ask("plain")
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert (answer.status_code, answer.text, answer.headers["x-own"]) == (418, "body", "yes")


def test_headers_of_the_program_cannot_be_sent_by_visitors(cloud: Cloud) -> None:
    cloud.code("inner", "return Response.json(Object.fromEntries(request.headers));")
    seen = cloud.ask(
        "inner", "/", headers={"x-fazt-run": "x", "x-fazt-info": "{}", "x-fazt-cron": "x", "x-mine": "1"}
    ).json()
    assert [name for name in seen if name.startswith("x-fazt")] == ["x-fazt-id"]
    assert seen["x-mine"] == "1"


def test_the_store_keeps_any_json_with_versions(cloud: Cloud) -> None:
    cloud.code(
        "keeper",
        """
  const out = {};
  out.first = await db.set("k", { a: [1, null, "é", { b: true }] }, { ifVersion: 0 });
  out.value = await db.get("k");
  out.clash = await db.set("k", 1, { ifVersion: 0 }).catch((error) => [error.name, error.kind, error.details]);
  out.second = await db.set("k", 2, { ifVersion: out.first });
  out.none = [await db.get("no"), await db.entry("no"), await db.delete("no")];
  out.sum = [await db.add("n"), await db.add("n", 41), await db.add("f", 0.5)];
  for (const name of ["b", "a", "c"]) await db.set("p:" + name, name);
  out.list = (await db.list({ prefix: "p:" })).map((entry) => entry.value);
  out.back = (await db.list({ prefix: "p:", reverse: true, limit: 2 })).map((entry) => entry.value);
  out.range = (await db.list({ start: "p:b", end: "p:c" })).map((entry) => entry.key);
  out.atomic = await db.atomic([
    { op: "check", key: "k", ifVersion: out.second }, { op: "delete", key: "p:a" }, { op: "add", key: "n", amount: -2 },
  ]);
  const wrong = [{ op: "delete", key: "n" }, { op: "check", key: "k", ifVersion: 1 }];
  out.undone = await db.atomic(wrong).catch((error) => error.kind);
  out.still = await db.get("n");
  out.bad = await db.set("", 1).catch((error) => error.message);
  out.big = await db.set("big", "x".repeat(2 ** 20 + 1)).catch((error) => error.kind);
  await db.set("gone", 1, { ttl: 0.001 });
  await new Promise((resolve) => setTimeout(resolve, 5));
  out.gone = await db.get("gone");
  return Response.json(out);""",
    )
    out = cloud.ask("keeper").json()
    assert out["value"] == {"a": [1, None, "é", {"b": True}]}
    assert out["clash"] == ["FaztError", "precondition_failed", {"version": out["first"]}]
    assert out["none"] == [None, None, False]
    assert out["sum"] == [1, 42, 0.5]
    assert (out["list"], out["back"], out["range"]) == (["a", "b", "c"], ["c", "b"], ["p:b"])
    assert out["atomic"] == [None, True, 40]
    assert (out["undone"], out["still"]) == ("precondition_failed", 40)
    assert "1 to 1024 bytes" in out["bad"]
    assert (out["big"], out["gone"]) == ("too_large", None)
    entry = cloud.owner.get("/api/v1/functions/keeper/kv/entry", params={"key": "k"}).json()
    assert (entry["value"], entry["version"]) == (2, out["second"])


def test_variables_reach_the_code_and_are_never_shown(cloud: Cloud) -> None:
    cloud.code("secretive", "return Response.json([env.API_KEY ?? null, globalThis.env === env]);")
    assert cloud.ask("secretive").json() == [None, True]
    done = cloud.owner.put("/api/v1/functions/secretive/env", json={"name": "API_KEY", "value": "s3cret"})
    assert done.status_code == 204
    assert cloud.ask("secretive").json() == ["s3cret", True]
    listed = cloud.owner.get("/api/v1/functions/secretive/env").text
    assert "API_KEY" in listed
    assert "s3cret" not in listed
    assert cloud.owner.put("/api/v1/functions/secretive/env", json={"name": "1X", "value": ""}).status_code == 400


def test_what_code_may_call_is_asked_for_and_granted(cloud: Cloud) -> None:
    body = """
  try { return Response.json(await fazt.textdb.create({ collection: "orders", doc: { n: 1 } })); }
  catch (error) { return Response.json([error.kind, error.message]); }"""
    cloud.code("shop", body, scopes=["textdb:write"])
    assert cloud.ask("shop").json() == ["forbidden", "fazt.textdb.create needs the scope textdb:write."]
    refused = cloud.owner.put("/api/v1/functions/shop/scopes", json={"scopes": ["mail:send"]})
    assert refused.status_code == 400
    assert cloud.owner.put("/api/v1/functions/shop/scopes", json={"scopes": ["textdb:write"]}).status_code == 200
    assert cloud.ask("shop").json()["n"] == 1
    cloud.code("shop", body, scopes=["textdb:read"])  # a version that asks for less has less
    wait_until(lambda: cloud.ask("shop").json()[:1] == ["forbidden"])


def test_a_call_that_is_wrong_says_so(cloud: Cloud, caller: Callable[..., Any]) -> None:
    assert caller("nothing.there")["kind"] == "not_found"
    assert caller("textdb.get", wrong=1)["kind"] == "invalid"
    assert caller("sites.code", site="caller")["value"]["entry"] == "main.js"


def test_errors_name_the_line_of_the_source(cloud: Cloud) -> None:
    cloud.deploy(
        "faulty",
        {"main.ts": "import { fail } from './lib/fail.ts';\nexport default { fetch() {\n  return fail();\n}};",
         "lib/fail.ts": "type A = 1;\n\nexport function fail(): never {\n  throw new Error('broken');\n}\n"},
    )  # fmt: skip
    answer = cloud.ask("faulty")
    assert answer.status_code == 500
    assert "broken" not in answer.text
    said = cloud.wait_for_log("faulty", "broken")
    assert "lib/fail.ts:4:9" in said
    assert "main.ts:3:10" in said
    assert "/tmp" not in said
    assert "boot.js" not in said


def test_code_that_cannot_be_loaded_is_explained(cloud: Cloud) -> None:
    cloud.deploy("broken", {"main.js": "export default {\n  fetch( { \n};"})
    assert cloud.ask("broken").status_code == 503
    assert "main.js:3" in cloud.wait_for_log("broken", "could not be loaded")
    cloud.deploy("broken", {"main.js": "import { Hono } from 'hono'; export default new Hono();"})
    assert cloud.ask("broken").status_code == 503
    cloud.wait_for_log("broken", "hono")
    cloud.deploy("broken", {"main.js": "export default { fetch: () => new Response('mended') };"})
    assert cloud.ask("broken").text == "mended"


def test_a_new_version_takes_over_and_what_was_begun_ends(cloud: Cloud) -> None:
    body = """
  const encoder = new TextEncoder();
  return new Response(new ReadableStream({ async start(controller) {
    controller.enqueue(encoder.encode("begun"));
    while (!await db.get("go")) await new Promise((resolve) => setTimeout(resolve, 5));
    controller.enqueue(encoder.encode("ended"));
    controller.close();
  } }));"""
    cloud.code("moving", body)
    with cloud.visitor.stream("GET", "/", headers={"host": "moving.localhost"}) as answer:
        pieces = answer.iter_bytes()
        assert next(pieces) == b"begun"
        cloud.code("moving", "return new Response('second version');")
        assert cloud.ask("moving").text == "second version"
        cloud.owner.put("/api/v1/functions/moving/kv/entry", json={"key": "go", "value": 1})
        assert b"".join(pieces) == b"ended"


def test_console_is_kept_with_its_level_and_run(cloud: Cloud) -> None:
    cloud.code(
        "talker",
        """
  console.log("plain", { a: [1] });
  console.error("bad");
  console.warn("careful");
  ctx.waitUntil((async () => { await db.get("x"); console.debug("later"); })());
  return new Response(request.headers.get("x-fazt-id"));""",
    )
    run = cloud.ask("talker").text
    cloud.wait_for_log("talker", "later")
    lines = cloud.owner.get("/api/v1/functions/talker/logs", params={"run": run}).json()
    assert [(line["level"], line["text"]) for line in lines] == [
        ("info", "plain { a: [ 1 ] }"),
        ("error", "bad"),
        ("warn", "careful"),
        ("debug", "later"),
    ]
    last = lines[-1]["id"]
    assert cloud.owner.get("/api/v1/functions/talker/logs", params={"after": last}).json() == []


def test_a_rejection_that_nobody_handles_ends_nothing(cloud: Cloud) -> None:
    cloud.code(
        "loose",
        "Promise.reject(new Error('loose end')); setTimeout(() => { throw new Error('late') }, 0);"
        "return new Response('ok');",
    )
    assert cloud.ask("loose").text == "ok"
    cloud.wait_for_log("loose", "loose end")
    cloud.wait_for_log("loose", "late")
    assert cloud.ask("loose").text == "ok"


def test_mail_is_handed_to_the_code(cloud: Cloud, caller: Callable[..., Any]) -> None:
    cloud.deploy(
        "inbox",
        {
            "main.js": """
export default { async email(message, env, ctx) {
  const raw = await new Response(message.raw).text();
  const subject = message.headers.get("subject");
  await db.set("last", { from: message.from, to: message.to, size: message.rawSize, subject, raw });
  if (raw.includes("spam")) message.setReject("no thanks");
  if (raw.includes("break")) throw new Error("cannot");
  await message.forward("ann@example.org", { "X-Via": "fazt" });
} };"""
        },
    )
    message = {"from": "a@example.org", "to": "b@example.org", "headers": [["Subject", "Hi"]]}
    raw = base64.b64encode(b"Subject: Hi\r\n\r\nb\xc3\xb6dy").decode()
    told = caller("runtime.email", site="inbox", message={**message, "raw": {"base64": raw}})["value"]
    forwards = [{"to": "ann@example.org", "headers": [["x-via", "fazt"]]}]
    assert told == {"rejected": None, "forwards": forwards, "replies": []}
    kept = cloud.owner.get("/api/v1/functions/inbox/kv/entry", params={"key": "last"}).json()["value"]
    assert kept["raw"] == "Subject: Hi\r\n\r\nbödy"
    assert (kept["size"], kept["subject"]) == (20, "Hi")
    assert caller("runtime.email", site="inbox", message={**message, "raw": "spam"})["value"]["rejected"] == "no thanks"
    as_mail_gives_it = {**message, "raw": raw, "rawSize": 20, "verdicts": {"spf": "pass"}}
    assert caller("runtime.email", site="inbox", message=as_mail_gives_it)["value"]["rejected"] is None
    kept = cloud.owner.get("/api/v1/functions/inbox/kv/entry", params={"key": "last"}).json()["value"]
    assert kept["raw"] == "Subject: Hi\r\n\r\nbödy"
    failed = caller("runtime.email", site="inbox", message={**message, "raw": "break"})
    assert failed["kind"] == "unavailable"
    assert "cannot" in failed["message"]
    assert caller("runtime.handlers", site="inbox")["value"] == ["email"]
    assert cloud.ask("inbox").status_code == 404


def test_only_sites_in_use_have_a_process(cloud: Cloud) -> None:
    cloud.code("sleeper", "return new Response('here');", scopes=[])
    assert cloud.show("sleeper")["function"]["state"] == "idle"
    assert cloud.ask("sleeper").text == "here"
    assert cloud.show("sleeper")["function"]["state"] == "running"
    cloud.owner.put("/api/v1/settings/runtime.idle_s", json={"value": 1})
    wait_until(lambda: cloud.show("sleeper")["function"]["state"] == "idle", what="the end of an idle process")
    cloud.owner.put("/api/v1/settings/runtime.idle_s", json={"value": 60})
    assert cloud.ask("sleeper").text == "here"


def test_members_see_and_change_only_their_own(cloud: Cloud) -> None:
    cloud.code("private", "return new Response('x');", scopes=["textdb:read"])
    token = cloud.program.run("token", "create", "t", "--scope", "runtime:read:other").stdout.strip()
    with cloud.program.client(headers={"authorization": f"Bearer {token}"}) as stranger:
        assert stranger.get("/api/v1/functions/private").status_code == 403
        assert stranger.put("/api/v1/functions/private/kv/entry", json={"key": "a", "value": 1}).status_code == 403
        assert stranger.put("/api/v1/functions/private/scopes", json={"scopes": []}).status_code == 403
        assert stranger.get("/api/v1/functions").json() == []
    assert cloud.visitor.get("/api/v1/functions/private").status_code == 401
