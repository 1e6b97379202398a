"""All apps of one real program under load at the same time, killed now and then: what was acknowledged is there."""
