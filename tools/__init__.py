"""What `make` runs besides the program: set-up, the lock file, the documentation."""
