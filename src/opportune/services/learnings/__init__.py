"""What tests taught: drafted, found again, reviewed each quarter, and mailed each week."""
