"""SageMaker Model Monitor's data-quality files, distances and checks, as pure functions.

`statistics` says what rows are like, `constraints` what they must be like, `checks` where they are not,
and `violations` writes that down; `sketch` and `distances` are what drift is measured with. Nothing here
knows a run, a window or a clock.
"""
