"""`lissnas report`: one HTML file with the findings and figures of result folders, and interactive maps.

Read `page.py` first: it makes the page. `explorer.py` prepares the data of the maps, which `program.js` draws.
"""
