"""HotWax's API, in plain Python: no Django, no database.

``requests`` says what to ask, and ``client`` asks it, within ``deadline`` and ``bounds``.
``replies`` checks the shape of the answer, ``ranges`` whether it is what was asked for,
``documents`` reads what is in it. ``exceptions`` names what can go wrong, ``secrets`` hides what
must not be shown.
"""
