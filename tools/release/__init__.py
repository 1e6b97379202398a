"""`make release`: the tree of one folder, tried as nobody, packed, summed and signed; and the wheel."""
