"""A HotWax instance in miniature: real HTTP on loopback, for trying and for testing.

Imports nothing of the rest of the project, so that it can check it.
"""
