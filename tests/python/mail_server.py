"""A mail server on loopback. It prints its port, then every message that it takes as a line of JSON."""

import argparse
import asyncio
import json
import logging
import ssl
import warnings

from aiosmtpd.smtp import SMTP, AuthResult

from mail import described


class Desk:
    def __init__(self, refused):
        self.refused = refused

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address == self.refused:
            return f"550 5.1.1 <{address}> is not known here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        encrypted = server.transport.get_extra_info("ssl_object") is not None
        way = {"from": envelope.mail_from, "to": envelope.rcpt_tos, "encrypted": encrypted, "user": session.auth_data}
        print(json.dumps(way | described(envelope.content)), flush=True)
        return "250 OK"


def authenticator(user, password):
    def judge(server, session, envelope, mechanism, data):
        is_right = (data.login, data.password) == (user.encode(), password.encode())
        return AuthResult(success=is_right, auth_data=user, handled=False)

    return judge


async def serve(arguments):
    context = None
    if arguments.certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(arguments.certificate, arguments.key)
    options = {"hostname": "mail.test"}
    if arguments.user:
        judge = authenticator(arguments.user, arguments.password)
        options |= {"authenticator": judge, "auth_required": True, "auth_require_tls": False}
    if arguments.starttls:
        options |= {"tls_context": context, "require_starttls": True}
    desk = Desk(arguments.refuse)
    loop = asyncio.get_running_loop()
    wrapper = None if arguments.starttls else context
    server = await loop.create_server(lambda: SMTP(desk, loop=loop, **options), "127.0.0.1", 0, ssl=wrapper)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


# What clients do wrong here is what the tests are about.
logging.disable()
warnings.simplefilter("ignore")
parser = argparse.ArgumentParser()
parser.add_argument("--certificate")
parser.add_argument("--key")
parser.add_argument("--starttls", action="store_true")
parser.add_argument("--user")
parser.add_argument("--password")
parser.add_argument("--refuse")
asyncio.run(serve(parser.parse_args()))
