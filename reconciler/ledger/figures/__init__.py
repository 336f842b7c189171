"""What is counted: over time, by facet, per page; cached by the ledger's revision."""
