"""What the commands share: options, the JSON document of a result, and the output on the terminal.

Read `json_command.py` first, then `options.py`.
"""
