"""The architecture as tests: each rule is a function over a tree, tried on fazt and on a broken example."""
