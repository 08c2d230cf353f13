"""A person's data: who somebody is, what they agreed to, handing it out, and erasing it."""
