"""Random operations from several clients, against a reference in memory, on both engines."""

from __future__ import annotations

import json
import os
from itertools import count
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection

from fazt.apps.textdb.model.collection import OWNER, Collection, Settings
from fazt.apps.textdb.model.document import Body, Conditions
from fazt.apps.textdb.model.expression import All, Compare, Exists, Expression, Not, OneOf, Order, Path, Some, Words
from fazt.apps.textdb.model.naming import id_in
from fazt.apps.textdb.model.query import Aggregate, Query
from fazt.apps.textdb.store.changes import list_changes
from fazt.apps.textdb.store.collections import configure, get_collection
from fazt.apps.textdb.store.documents import (
    create_document,
    delete_document,
    edit_document,
    get_document,
    put_document,
)
from fazt.apps.textdb.store.history import get_version, list_versions
from fazt.apps.textdb.store.lists import aggregate, list_documents
from fazt.apps.textdb.wire.patch import merge
from fazt.core.db import attempt
from fazt.core.errors import Conflict, NotFound, PreconditionFailed
from tests.apps.textdb.reference import Memory, compares
from tests.conftest import NOW

NAMES = count()
EXAMPLES = int(os.environ.get("FAZT_TEST_EXAMPLES", "30"))
HISTORY = 50
NONE = Conditions()
IDS = st.sampled_from(["a", "b", "c", "1", "2", "10", "é", "x y"])
TEXTS = st.sampled_from(["", "a", "A", "ab", "B", "[1]", "{", "|", "%", "_", "é", "'", '"', "\\", "10", "true"])
NUMBERS = st.one_of(st.integers(-2, 12), st.sampled_from([0.5, 1.5, -0.5, 2**40]))
SCALARS = st.one_of(NUMBERS, TEXTS, st.booleans(), st.none())
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "a": SCALARS,
        "b": SCALARS,
        "c": st.one_of(st.fixed_dictionaries({}, optional={"d": SCALARS}), SCALARS),
        "t": st.one_of(st.lists(SCALARS, max_size=3), SCALARS, st.fixed_dictionaries({"k": SCALARS})),
    },
)
PATHS = st.sampled_from([Path(("a",)), Path(("b",)), Path(("c", "d")), Path(("t", 0)), Path(("t",)), Path(("id",))])
SORTS = st.lists(
    st.builds(Order, st.sampled_from([Path(("a",)), Path(("b",)), Path(("c", "d"))]), st.booleans()), max_size=2
).map(tuple)


def comparisons() -> st.SearchStrategy[Expression]:
    """One term of a filter."""
    ordered = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "~", "!~"])
    return st.one_of(
        st.builds(Compare, PATHS, ordered, st.one_of(NUMBERS, TEXTS), st.booleans()),
        st.builds(Compare, PATHS, st.sampled_from(["==", "!="]), st.one_of(st.booleans(), st.none()), st.booleans()),
        st.builds(OneOf, PATHS, st.lists(SCALARS, max_size=3).map(tuple)),
        st.builds(Exists, PATHS),
        st.builds(Words, TEXTS.filter(bool)),
    )


FILTERS = st.recursive(
    comparisons(),
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(All, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Some, st.lists(inner, max_size=3).map(tuple)),
    ),
    max_leaves=5,
)
INDEXES = st.lists(st.sampled_from(["a", "-a", "b,a", "a,-b", "c.d", "-b,-c.d"]), max_size=2, unique=True).map(tuple)


def to_body(value: Any) -> Body:
    """A body as it comes from the wire."""
    return Body(json.dumps(value, ensure_ascii=False), value, id_in(value))


class Machine(RuleBasedStateMachine):
    """One collection; `mirrors` are clients that only follow the feed."""

    def __init__(self, conn: Connection) -> None:
        super().__init__()
        self.conn = conn
        self.conn.exec_driver_sql("SAVEPOINT machine")
        self.now = NOW
        self.name = f"c{next(NAMES)}"
        self.memory = Memory()
        self.mirrors: list[tuple[int, dict[str, Any]]] = [(0, {}), (0, {}), (0, {})]

    def teardown(self) -> None:
        """Undo everything: what failed on PostgreSQL, too."""
        self.conn.exec_driver_sql("ROLLBACK TO SAVEPOINT machine")

    @property
    def collection(self) -> Collection:
        """The collection as it is now."""
        return get_collection(self.conn, self.name)

    @initialize(indexes=INDEXES)
    def make(self, indexes: tuple[str, ...]) -> None:
        configure(self.conn, self.name, Settings(indexes=indexes, history=HISTORY), now=self.now)

    @rule(indexes=INDEXES)
    def change_indexes(self, indexes: tuple[str, ...]) -> None:
        configure(self.conn, self.name, Settings(indexes=indexes, history=HISTORY), now=self.now)

    @rule(by=st.integers(1, 1000))
    def wait(self, by: int) -> None:
        self.now += by

    @rule(value=VALUES, id_=st.one_of(st.none(), IDS))
    def create(self, value: dict[str, Any], id_: str | None) -> None:
        body = value if id_ is None else {**value, "id": id_}
        taken = id_ in self.memory.documents
        try:
            with attempt(self.conn):
                written = create_document(self.conn, self.collection, to_body(body), OWNER, now=self.now)
        except Conflict:
            assert taken
            return
        assert not taken
        assert json.loads(written.text) == {**value, "id": written.id}
        assert self.memory.write(written.id, {**value, "id": written.id}, self.now) == written.seq

    @rule(value=VALUES, id_=IDS)
    def put(self, value: dict[str, Any], id_: str) -> None:
        written = put_document(self.conn, self.collection, id_, to_body(value), OWNER, NONE, now=self.now)
        assert (written.change == "created") == (id_ not in self.memory.documents)
        assert self.memory.write(id_, {**value, "id": id_}, self.now) == written.seq

    @rule(value=VALUES, id_=IDS, tag=st.integers(0, 30))
    def put_if_match(self, value: dict[str, Any], id_: str, tag: int) -> None:
        old = self.memory.documents.get(id_)
        conditions = Conditions(match=(f'"{tag}"',))
        try:
            put_document(self.conn, self.collection, id_, to_body(value), OWNER, conditions, now=self.now)
        except PreconditionFailed:
            assert old is None or old.seq != tag
        else:
            assert old is not None
            assert old.seq == tag
            self.memory.write(id_, {**value, "id": id_}, self.now)

    @rule(change=VALUES, id_=IDS)
    def patch(self, change: dict[str, Any], id_: str) -> None:
        old = self.memory.documents.get(id_)
        try:
            edit_document(
                self.conn, self.collection, id_, lambda value: merge(value, change), OWNER, NONE, now=self.now
            )
        except NotFound:
            assert old is None
        else:
            assert old is not None
            self.memory.write(id_, merge(old.value, change), self.now)

    @rule(id_=IDS)
    def delete(self, id_: str) -> None:
        try:
            delete_document(self.conn, self.collection, id_, OWNER, NONE, now=self.now)
        except NotFound:
            assert id_ not in self.memory.documents
        else:
            self.memory.delete(id_, self.now)

    @rule(where=FILTERS, order=SORTS, offset=st.integers(0, 3), limit=st.integers(0, 5))
    def list(self, where: Expression, order: tuple[Order, ...], offset: int, limit: int) -> None:
        query = Query(where, order, offset, limit)
        page = list_documents(self.conn, self.collection, query, OWNER, now=self.now)
        wanted = self.memory.select(where, order)
        assert [document.id for document in page.documents] == wanted[offset : offset + limit]
        assert page.total == len(wanted)

    @rule(where=st.one_of(st.just(All(())), FILTERS), order=SORTS, limit=st.integers(1, 3))
    def walk_by_cursor(self, where: Expression, order: tuple[Order, ...], limit: int) -> None:
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            query = Query(where, order, limit=limit, cursor=cursor)
            page = list_documents(self.conn, self.collection, query, OWNER, now=self.now)
            seen += [document.id for document in page.documents]
            cursor = page.cursor
        assert seen == self.memory.select(where, order)

    @rule(where=FILTERS)
    def add_up(self, where: Expression) -> None:
        asked = Aggregate(where, (Path(("b",)),), (("sum", Path(("a",))), ("max", Path(("a",)))))
        rows = aggregate(self.conn, self.collection, asked, OWNER, now=self.now)
        values = [self.memory.documents[id_].value for id_ in self.memory.select(where, ())]
        assert sum(row["count"] for row in rows) == len(values)
        for row in rows:
            numbers = [
                value["a"]
                for value in values
                if not isinstance(value.get("a"), bool | str | None) and compares(value.get("b"), "==", row["b"])
            ]
            if row["b"] is not None:
                assert (row["sum"]["a"] or 0) == sum(numbers)
                assert row["max"]["a"] == (max(numbers) if numbers else None)

    @rule(who=st.integers(0, 2), limit=st.integers(1, 4))
    def follow(self, who: int, limit: int) -> None:
        since, mirror = self.mirrors[who]
        changes = list_changes(self.conn, self.collection, since, OWNER, limit=limit, now=self.now)
        found = [(entry.seq, entry.id, entry.text is None) for entry in changes.entries]
        assert found == self.memory.changes(since)[:limit]
        assert changes.has_more == (len(self.memory.changes(since)) > limit)
        for entry in changes.entries:
            if entry.text is None:
                mirror.pop(entry.id, None)
            else:
                mirror[entry.id] = json.loads(entry.text)
        self.mirrors[who] = (changes.last_seq, mirror)
        if not changes.has_more:
            assert mirror == {kept.id: kept.value for kept in self.memory.documents.values()}

    @precondition(lambda self: self.memory.log)
    @rule(data=st.data(), id_=IDS)
    def look_back(self, data: st.DataObject, id_: str) -> None:
        at = data.draw(st.sampled_from(self.memory.log))[0]
        then = [state for when, state in self.memory.log if when <= at][-1]
        page = list_documents(self.conn, self.collection, Query(at=at), OWNER, now=self.now)
        assert {document.id: json.loads(document.text) for document in page.documents} == then
        try:
            document = get_version(self.conn, self.collection, id_, OWNER, now=self.now, at=at)
        except NotFound:
            assert id_ not in then
        else:
            assert json.loads(document.text) == then[id_]

    @invariant()
    def singles_agree(self) -> None:
        if not self.memory.seq:
            return
        collection = self.collection
        for kept in self.memory.documents.values():
            document = get_document(self.conn, collection, kept.id, OWNER, now=self.now)
            assert (json.loads(document.text), document.seq) == (kept.value, kept.seq)
            newest, _ = list_versions(self.conn, collection, kept.id, OWNER, now=self.now)[0]
            assert newest.seq == kept.seq


def test_random_operations_agree_with_the_reference(conn: Connection) -> None:
    run_state_machine_as_test(
        lambda: Machine(conn),  # type: ignore[arg-type] # anything that makes a machine will do
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
