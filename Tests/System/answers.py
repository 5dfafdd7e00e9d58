"""answers.py 'PATTERN=>ANSWER'... -- COMMAND...: runs COMMAND on a terminal of its own and answers.

Each PATTERN (a regular expression) is waited for in what the terminal shows, in this order, then
ANSWER is typed. Prints what the terminal showed; leaves with the command's status. An answer of
`^C` is the key.
"""
import os
import pty
import re
import select
import sys
import time

mark = sys.argv.index("--")
steps = [step.split("=>", 1) for step in sys.argv[1:mark]]
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[mark + 1], sys.argv[mark + 1:])

shown = b""
seen = 0  # what of it belongs to an answered question
end = time.monotonic() + 120
while time.monotonic() < end:
    if steps:
        found = re.search(steps[0][0].encode(), shown[seen:])
        if found:
            answer = steps.pop(0)[1]
            seen += found.end()
            time.sleep(0.1)  # the echo is switched after the question was written
            os.write(terminal, b"\x03" if answer == "^C" else answer.encode() + b"\n")
    if not select.select([terminal], [], [], 0.1)[0]:
        continue
    try:
        octets = os.read(terminal, 65536)
    except OSError:
        break
    if not octets:
        break
    shown += octets
else:
    print("answers.py: no end within 120 s", file=sys.stderr)
    os.kill(child, 9)
sys.stdout.write(shown.decode(errors="replace").replace("\r\n", "\n"))
for pattern, _ in steps:
    print(f"answers.py: never asked: {pattern}")
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
sys.exit(status if not steps else status or 99)
