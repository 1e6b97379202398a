"""POST to a collection at the front door: no task waits for the commit, the answer is given when it is there.

Taken is the plain case: a token, a collection that is known, a short body that is right. What goes wrong, and what
is found to be so only when it is written, goes the general way from the start, for nothing was written then.
"""

from __future__ import annotations

from functools import partial
from urllib.parse import quote

from fazt.apps.textdb.engine import textdb_of
from fazt.apps.textdb.model.collection import Collection
from fazt.apps.textdb.model.document import Body, Written
from fazt.apps.textdb.model.jsontext import read
from fazt.apps.textdb.model.naming import id_in
from fazt.apps.textdb.routes.glance import HEAD, find_authorization, find_caller, glances_of
from fazt.apps.textdb.store.documents import New
from fazt.core import Core
from fazt.core.app import Scope
from fazt.core.errors import FaztError
from fazt.core.http.front import Reply

OF_CREATED = HEAD + b'etag: "%d"\r\nlocation: /db/%b/%b\r\ncontent-length: %d\r\n'


def save_now(core: Core, scope: Scope, reply: Reply) -> bool:
    """Save, or answer False and leave it to others. A Front for POST."""
    steps = scope["raw_path"].split(b"/")
    if len(steps) != 3 or steps[1] != b"db" or scope["query_string"]:
        return False
    textdb = textdb_of(core)
    collection = textdb.known(steps[2].decode("latin-1"))
    authorization = find_authorization(scope)
    if collection is None or not authorization:
        return False
    caller = find_caller(core, scope, authorization)
    data = reply.body
    if caller is None or len(data) > collection.settings.max_bytes:
        return False
    try:
        text, value = read(data)
        body = Body(text, value, id_in(value))
    except FaztError:
        return False
    new = New(collection, body, glances_of(core).access(caller, collection), core.clock())
    textdb.save(new, partial(answer_saved, reply, collection), reply.fail)
    return True


def answer_saved(reply: Reply, collection: Collection, written: Written | FaztError) -> None:
    """What a create leaves: the document as it is now, and where."""
    if isinstance(written, FaztError):
        reply.pass_on()
        return
    text = written.text.encode()
    id_ = written.id if written.id.isalnum() and written.id.isascii() else quote(written.id, safe="")
    place = collection.name.encode(), id_.encode()
    reply.say(201, OF_CREATED % (written.seq, *place, len(text)), text)
