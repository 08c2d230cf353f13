"""Conclusions: what a reading of a test lets us say, as a state, one plain sentence and one next step.

`reading` is what goes in (sums and what was fixed before the start), `judging` the numbers, `concluding` the
states in their order, `wording` the sentences. All pure; early wins are looked for once a day, harm every minute.
"""
