"""What an error is: rules (text -> template), classification, corrections, runbooks, statistics."""
