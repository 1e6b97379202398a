"""What travels between the program and a function's process, and what source text says about itself."""
