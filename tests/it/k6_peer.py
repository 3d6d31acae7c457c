"""A WebSocket server that does what its path says: echo, greet, count, close, refuse, binary, ping."""
import asyncio
import http
import sys

import websockets


async def serve(socket, path):
    if path.startswith("/echo"):
        async for message in socket:
            await socket.send(message)
    elif path == "/greet":
        await socket.send(f"hello {socket.request_headers.get('X-Test', 'nobody')}")
        await socket.send(f"cookie {socket.request_headers.get('Cookie')}")
        await socket.send(f"protocol {socket.subprotocol}")
        await socket.close(4001, "enough")
    elif path == "/binary":
        await socket.send(b"\x00\x01\xff")
        await socket.close()
    elif path == "/ping":
        await socket.ping(b"are you there")
        async for message in socket:
            await socket.send(message)
    elif path == "/close":
        await socket.close(4002, "no seat left")
    elif path == "/abort":
        socket.transport.abort()
    elif path == "/flood":
        for number in range(2000):
            await socket.send(f"{number}" + "x" * 1000)
        await socket.close()


async def gate(path, headers):
    if path == "/refuse":
        return http.HTTPStatus.FORBIDDEN, [("X-Why", "because")], b"not you"
    return None


async def main():
    served = websockets.serve(
        serve, "127.0.0.1", 0, process_request=gate, subprotocols=["chat.v2"], close_timeout=1
    )
    async with served as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


asyncio.run(main())
