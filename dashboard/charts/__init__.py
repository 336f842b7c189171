"""Numbers -> what a template draws."""
