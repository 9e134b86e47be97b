"""Pictures of every page and state of the console, of worlds made of real processes, for people to look at.

    .venv/bin/python -m tests.screenshots [--only NAME] [--out DIR] [--light|--dark] [--narrow|--wide]

`shots.py` is the table: one entry for each state of each page. `worlds.py` says in which homes they are taken, `camera.py`
takes them and notes what a page did wrong. `index.html` in the folder shows all of them.
"""
