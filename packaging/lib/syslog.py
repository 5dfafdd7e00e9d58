"""syslog.py LOG SLAPD_LOG: a listener on /dev/log; what slapd says (LOCAL4) goes to a file of its own."""
import os
import socket
import sys

LOCAL4 = 20


def main():
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind("/dev/log")
    os.chmod("/dev/log", 0o666)
    with open(sys.argv[1], "ab", buffering=0) as log, open(sys.argv[2], "ab", buffering=0) as slapd:
        while True:
            message = listener.recv(65536).rstrip(b"\0\n")
            priority = message[1:message.find(b">")]
            of_slapd = priority.isdigit() and int(priority) >> 3 == LOCAL4
            (slapd if of_slapd else log).write(message + b"\n")


main()
