"""The files that may catch everything without raising it again, and why each of them may."""

RIMS = {
    "src/fazt/apps/home/pages/dashboard.py": "the dashboard is where one goes when an app is broken; its card says so",
    "src/fazt/apps/mail/engine/verdicts.py": "foreign parsers read what strangers wrote; the mail matters more",
    "src/fazt/apps/pubsub/engine/writing.py": "whoever waits for the receipt hears what the database said",
    "src/fazt/apps/runtime/engine/bridge.py": "code hears that its call failed, and the program's log hears why",
    "src/fazt/apps/runtime/engine/functions.py": "the processes of other sites are looked after all the same",
    "src/fazt/apps/runtime/engine/runner.py": "runs of functions go on when the database does",
    "src/fazt/cli.py": "what a thread of its own raised is raised again where the command runs",
    "src/fazt/core/blobs/engine/__init__.py": "each provider of object storage has errors of its own kind",
    "src/fazt/core/db/batch.py": "each item hears of its own failure, and the others go on",
    "src/fazt/core/db/carrier.py": "the data is committed, and nobody is left to raise to",
    "src/fazt/core/db/calls.py": "what a store function raises is carried to who called it",
    "src/fazt/core/db/sqlite.py": "the writer thread carries every error to who waits for the answer",
    "src/fazt/core/events/engine.py": "delivery goes on when the database does",
    "src/fazt/core/events/store.py": "one app's trouble is kept for later and never holds up the others",
    "src/fazt/core/http/eager.py": "what ends a task is raised again inside of what it awaits",
    "src/fazt/core/http/root.py": "the edge of HTTP: whatever is raised becomes an answer",
    "src/fazt/core/jobs/engine.py": "the queue keeps what a job raised, and tries again",
    "src/fazt/serve.py": "what was to be done between two lives failed, and the program goes on with what it had",
    "src/fazt/core/tls/engine/threads.py": "what a thread raised is raised again where its answer is awaited",
    "src/fazt/core/settings/engine.py": "the setting is changed, and the other watchers want to know it too",
}
