#!/bin/sh
# Prints a Python that fazt runs on: $PYTHON, else the first of these that is 3.11 or newer,
# preferably one that can make virtual environments by itself.
first=
for name in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 python; do
    "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue
    if "$name" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        echo "$name"
        exit
    fi
    first=${first:-$name}
done
if [ -n "$first" ]; then
    echo "$first"
else
    echo "fazt needs Python 3.11 or newer; python3 here is: $(python3 --version 2>&1)." >&2
    echo false
fi
