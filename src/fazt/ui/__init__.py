"""What pages share: layout, components, styles, vendored browser modules."""
