"""What goes over the line: WebSocket frames, formats of messages, what a request asks, and ntfy's words."""
