"""A playbook's files: YAML texts read into one checked playbook, or all their problems at once."""
