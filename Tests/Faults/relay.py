#!/usr/bin/python3
"""relay.py FROM TO FILE: hands connections to 127.0.0.1:FROM on to 127.0.0.1:TO, with faults.

FILE, while it exists, holds a JSON object that is looked at for every piece and every connection:

    delay        seconds by which every answer is late
    rate         octets per second, both ways
    hole         true: swallows everything, both ways, and keeps connections open
    reset_after  resets a connection after so many octets to the client

SIGUSR1 resets every connection that is open, without touching those that come.
"""
import asyncio
import json
import signal
import socket
import struct
import sys

FROM, TO, FILE = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
LIVE = set()


def faults():
    """What is wrong right now."""
    try:
        with open(FILE, encoding="ascii") as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def reset(writer):
    """Ends a connection with RST instead of FIN."""
    writer.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def deliver(queue, writer):
    """Sends what is in the queue, each piece when it is due."""
    clock = asyncio.get_running_loop()
    while True:
        due, octets = await queue.get()
        if not octets:
            return
        await asyncio.sleep(max(0, due - clock.time()))
        writer.write(octets)
        await writer.drain()


async def copy(reader, writer, is_answer):
    """Copies until either side ends."""
    clock = asyncio.get_running_loop()
    queue = asyncio.Queue(64)
    sender = asyncio.create_task(deliver(queue, writer))
    passed = 0
    try:
        while octets := await reader.read(512 if faults().get("rate") else 65536):
            wrong = faults()
            if wrong.get("hole"):
                continue
            if is_answer and "reset_after" in wrong:
                octets = octets[:max(0, wrong["reset_after"] - passed)]
                writer.write(octets)
                await writer.drain()
                passed += len(octets)
                if passed >= wrong["reset_after"]:
                    reset(writer)
                    return
                continue
            if wrong.get("rate"):
                await asyncio.sleep(len(octets) / wrong["rate"])
            late = wrong.get("delay", 0) if is_answer else 0
            await queue.put((clock.time() + late, octets))
        await queue.put((0, b""))
        await sender
    except OSError:
        pass
    finally:
        sender.cancel()


async def serve(reader, writer):
    """One connection."""
    LIVE.add(writer)
    try:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", TO)
    except OSError:
        writer.close()
        LIVE.discard(writer)
        return
    ways = [asyncio.create_task(copy(reader, server_writer, False)),
            asyncio.create_task(copy(server_reader, writer, True))]
    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    for way in ways:
        way.cancel()
    LIVE.discard(writer)
    writer.close()
    server_writer.close()


def reset_all():
    """Every open connection."""
    for writer in list(LIVE):
        reset(writer)


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", FROM)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, reset_all)
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
