"""What the drive is made of: names, nodes, locks, and what a request demands of them."""
