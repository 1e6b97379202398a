"""The y-websocket protocol as bytes: messages, Yjs updates, and awareness."""
