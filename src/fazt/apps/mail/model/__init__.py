"""What mail is made of: addresses, messages, rules, relays; checks and pure calculations."""
