"""HotWax's API, in plain Python: no Django, no database.

``requests`` says what to ask, ``client`` asks it, ``documents`` reads what came back,
``errors`` names what can go wrong.
"""
