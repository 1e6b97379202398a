"""What several edges do: publish for somebody, and look at who may what."""

from fazt.apps.pubsub.actions.publishing import max_message_bytes, publish, publish_one, to_facts

__all__ = ["max_message_bytes", "publish", "publish_one", "to_facts"]
