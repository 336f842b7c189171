"""Views: parse the URL with a form, ask the service, make the table, render."""
