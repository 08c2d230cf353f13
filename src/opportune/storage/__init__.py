"""What is remembered: a port (`base`) and its adapters."""
