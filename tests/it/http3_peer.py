"""An HTTP/3 server of aioquic: `http3_peer.py PORT CERTIFICATE KEY`."""
import asyncio
import json
import sys

from aioquic.asyncio import serve
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration


class Peer(QuicConnectionProtocol):
    def __init__(self, *given, **named):
        super().__init__(*given, **named)
        self.http = None
        self.asked = {}

    def quic_event_received(self, event):
        self.http = self.http or H3Connection(self._quic)
        for told in self.http.handle_event(event):
            if isinstance(told, HeadersReceived):
                self.asked[told.stream_id] = (dict(told.headers), b"")
            if isinstance(told, DataReceived):
                head, body = self.asked[told.stream_id]
                self.asked[told.stream_id] = (head, body + told.data)
            if getattr(told, "stream_ended", False) and told.stream_id in self.asked:
                self.answer(told.stream_id, *self.asked.pop(told.stream_id))

    def answer(self, stream, head, body):
        path = head[b":path"].decode()
        if path == "/silent":
            return
        headers = [(b":status", b"200"), (b"content-type", b"application/json"), (b"set-cookie", b"session=three")]
        told = {"path": path, "method": head[b":method"].decode(), "body": body.decode(), "cookie": head.get(b"cookie", b"").decode()}
        if path == "/moved":
            headers = [(b":status", b"302"), (b"location", b"/there")]
        self.http.send_headers(stream, headers)
        if path == "/cut":
            self.http.send_data(stream, b"half", end_stream=False)
            self._quic.reset_stream(stream, 0x102)
        elif path == "/large":
            self.http.send_data(stream, b"x" * 512 * 1024, end_stream=True)
        else:
            self.http.send_data(stream, json.dumps(told).encode(), end_stream=True)
        self.transmit()


async def main():
    port, certificate, key = sys.argv[1:]
    configuration = QuicConfiguration(alpn_protocols=H3_ALPN, is_client=False)
    configuration.load_cert_chain(certificate, key)
    await serve("127.0.0.1", int(port), configuration=configuration, create_protocol=Peer)
    await asyncio.Future()


asyncio.run(main())
