"""Tables of blobs: the row of facts, its chunks, and uploads that may be taken up again."""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, text

from fazt.core.schema import metadata

Id = BigInteger().with_variant(Integer, "sqlite")

RECEIVING, UPLOADING, SEALED, CONDEMNED = range(4)
"""The states of a blob. Only a sealed one has a hash; a condemned one only waits for its chunks to go."""

core_blob = Table(
    "core_blob",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("state", Integer, nullable=False),
    Column("hash", Text, unique=True),
    Column("size", BigInteger, nullable=False),
    Column("chunk_bytes", Integer, nullable=False),
    Column("place", Text, nullable=False),
    Column("keeps", Integer, nullable=False),
    Column("touched_at", BigInteger, nullable=False),
    CheckConstraint("keeps >= 0", name="core_blob_keeps"),
    sqlite_autoincrement=True,
)
Index(
    "core_blob_unkept",
    core_blob.c.state,
    core_blob.c.touched_at,
    sqlite_where=text("keeps = 0"),
    postgresql_where=text("keeps = 0"),
)

core_chunk = Table(
    "core_chunk",
    metadata,
    Column("blob_id", Id, ForeignKey("core_blob.id"), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

core_upload = Table(
    "core_upload",
    metadata,
    Column("id", Text, primary_key=True),
    Column("blob_id", Id),
    Column("hash", Text),
    Column("touched_at", BigInteger, nullable=False, index=True),
)
