"""HotWax's API, in plain Python: no Django, no database.

``requests`` says what to ask, ``client`` asks it, ``replies`` checks the shape of the answer,
``ranges`` whether it is what was asked for, ``documents`` reads what is in it. ``exceptions`` names
what can go wrong.
"""
