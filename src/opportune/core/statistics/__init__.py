"""Statistics: every formula of the reports on the standard library, from sums, each with its source.

`moments` are what arms are counted in; `estimate` makes a value with its variance of them; `comparing` two of
those; `always_valid` the same for looking at any time. What cannot be answered is an `Unanswerable` with its
reason, decided here once: nothing returns a NaN or an infinity. A ValueError is the caller's mistake, not the data's.
"""
