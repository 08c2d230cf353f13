"""Who asks: what a request says of its page, arrival, device and consent."""
