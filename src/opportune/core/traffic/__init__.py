"""What a team's own traffic says before a launch, as values: offers, counts scaled up, what texts give away."""
