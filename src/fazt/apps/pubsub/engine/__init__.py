"""The live side of topics: who listens, and how what is published reaches them."""

from fazt.apps.pubsub.engine.hub import Hub, hub_of, run

__all__ = ["Hub", "hub_of", "run"]
