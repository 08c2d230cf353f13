"""Small phrases a marketer writes, one file a kind: each is read (`parse_...`) and read back (`describe_...`)."""
