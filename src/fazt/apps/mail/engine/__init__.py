"""Live machinery of mail: checks of senders, limits at the door, the queue at work, the relays."""
