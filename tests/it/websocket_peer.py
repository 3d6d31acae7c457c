"""A WebSocket server that does what its path says: hello, late, silent, close, text, refuse."""
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


async def gate(path, headers):
    if path == "/refuse" or headers.get("authorization") == "Bearer wrong":
        return http.HTTPStatus.UNAUTHORIZED, [], b"who are you?"
    if path == "/page":
        return http.HTTPStatus.OK, [], b"<html>hello</html>"
    return None


async def main():
    async with websockets.serve(serve, "127.0.0.1", int(sys.argv[1]), process_request=gate):
        await asyncio.Future()


asyncio.run(main())
