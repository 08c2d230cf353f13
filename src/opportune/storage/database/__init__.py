"""What a store in a database does the same way whichever database it is, because both have statements of that name."""
