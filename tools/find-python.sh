#!/bin/sh
# Prints a Python of at least 3.11 from the PATH; nothing when there is none.
for name in python3 python python3.14 python3.13 python3.12 python3.11; do
  if command -v "$name" >/dev/null 2>&1 &&
    "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
    echo "$name"
    exit 0
  fi
done
