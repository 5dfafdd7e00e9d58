"""socket_holder.py PID_FILE LOG PATH... -- COMMAND...: what a socket unit of systemd does.

Listens at each PATH as root, mode 0666, as long as it lives, and says so ("ready"). On SIGUSR1 it
runs COMMAND with the sockets from descriptor 3 on, appends its output to LOG and leaves its process
id in PID_FILE.
"""
import os
import signal
import socket
import sys

separator = sys.argv.index("--")
pid_file, log = sys.argv[1:3]
paths, command = sys.argv[3:separator], sys.argv[separator + 1:]


def listener(path):
    made = socket.socket(socket.AF_UNIX)
    made.bind(path)
    os.chmod(path, 0o666)
    made.listen(4096)
    return made


def start(*_):
    pid = os.fork()
    if pid:
        with open(pid_file + ".new", "w", encoding="ascii") as file:
            file.write(str(pid))
        os.rename(pid_file + ".new", pid_file)
        return
    with open(log, "ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    copies = [os.dup(made.fileno()) for made in sockets]  # above all places from 3 on
    for place, copy in enumerate(copies, start=3):
        os.dup2(copy, place)
    os.closerange(3 + len(copies), 256)
    environment = dict(os.environ, LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(copies)))
    os.execvpe(command[0], command, environment)


sockets = [listener(path) for path in paths]
signal.signal(signal.SIGUSR1, start)
print("ready", flush=True)
while True:
    signal.pause()
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        pass
