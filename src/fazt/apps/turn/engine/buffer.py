"""The one buffer that all packets lie in, with room before them for the header they leave with.

Payloads are never copied: a header is written right before where the payload came to lie.
"""

HEADROOM = 64
"""More than the longest header, that of a Data indication from an IPv6 peer (48)."""
BUFFER_SIZE = HEADROOM + 65_536 + 64

# One thread, one packet at a time: all UDP sockets share it.
SHARED = memoryview(bytearray(BUFFER_SIZE))
SHARED_SPACE = SHARED[HEADROOM : HEADROOM + 65_536]
