"""A WebSocket server that does what its path says: hello, silent, close, echo, greet, ping, abort, flood, refuse, page."""
import asyncio
import http
import json
import sys

import websockets


async def serve(socket, path):
    if path == "/hello":
        # Noise first, then what is asked for.
        await socket.send("not json")
        await socket.send(json.dumps({"type": "welcome"}))
        async for text in socket:
            asked = json.loads(text)
            await socket.send(json.dumps({"type": "noise"}))
            await socket.send(json.dumps({"type": "price", "of": asked["subscribe"], "price": 42}))
    elif path == "/silent":
        await socket.send(json.dumps({"type": "welcome"}))
        await asyncio.sleep(60)
    elif path == "/close":
        await socket.close(4001, "no seat left")
    elif path.startswith("/echo"):
        async for message in socket:
            await socket.send(message)
    elif path == "/greet":
        await socket.send(f"hello {socket.request_headers.get('X-Test', 'nobody')}")
        await socket.send(f"cookie {socket.request_headers.get('Cookie')}")
        await socket.send(f"protocol {socket.subprotocol}")
        await socket.close(4001, "enough")
    elif path == "/ping":
        await socket.ping(b"are you there")
        await socket.wait_closed()
    elif path == "/abort":
        socket.transport.abort()
    elif path == "/flood":
        for number in range(2000):
            await socket.send(f"{number}" + "x" * 1000)
        await socket.close()


async def gate(path, headers):
    if path == "/refuse" or headers.get("authorization") == "Bearer wrong":
        return http.HTTPStatus.UNAUTHORIZED, [("X-Why", "because")], b"who are you?"
    if path == "/page":
        return http.HTTPStatus.OK, [], b"<html>hello</html>"
    return None


async def main():
    served = websockets.serve(
        serve, "127.0.0.1", int(sys.argv[1]), process_request=gate, subprotocols=["chat.v2"], close_timeout=1
    )
    async with served:
        await asyncio.Future()


asyncio.run(main())
