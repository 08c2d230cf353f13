"""The HTML edge for operators: server-rendered pages, which work without JavaScript."""
