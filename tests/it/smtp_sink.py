"""A real SMTP server for the tests: STARTTLS required, authentication required, letters go to a file."""
import json, ssl, sys, time
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword, SMTP

port, certificate, key, out = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(certificate, key)


def authenticate(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and data.login == b"deploys" and data.password == b"mail-pass-word"
    # Not handled: the server itself answers 535.
    return AuthResult(success=good, handled=good)


class Sink:
    async def handle_DATA(self, server, session, envelope):
        letter = {"from": envelope.mail_from, "to": envelope.rcpt_tos, "tls": session.ssl is not None,
                  "content": envelope.content.decode("utf-8", "replace")}
        with open(out, "a") as file:
            file.write(json.dumps(letter) + "\n")
        return "250 taken"


class Server(Controller):
    def factory(self):
        return SMTP(self.handler, tls_context=context, require_starttls=True, authenticator=authenticate, auth_required=True)


Server(Sink(), hostname="127.0.0.1", port=port).start()
while True:
    time.sleep(60)
