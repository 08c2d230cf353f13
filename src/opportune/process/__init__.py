"""What a running house is made of: its folder and lock, its control socket, its commands, its reading process."""
