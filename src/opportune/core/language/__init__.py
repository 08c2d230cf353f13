"""The words of rules: sentences read into conditions and said back, and the phrases around them."""
