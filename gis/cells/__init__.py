"""The cell index: who covers a place, decided exactly and nearly always without arithmetic.

The place is cut into cells. A cell that no border crosses knows its owner by itself; the others
have a leaf, a few edges that decide. ``build`` makes the index, ``index`` is what is made,
``lookup`` and ``single`` ask it.
"""
