"""Which requests to make and when, and writing what came back."""
