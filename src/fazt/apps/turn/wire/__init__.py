"""STUN (RFC 8489) and TURN (RFC 8656) as bytes: messages, attributes, integrity, frames."""
