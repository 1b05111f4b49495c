#!/usr/bin/env python3
"""A door before a FHIR server that asks nobody who they are: in come those with a token of somebody else's token server.

    doorman.py PORT TOKEN_SERVER_PORT SERVER_PORT      all on 127.0.0.1

What is about tokens goes to the token server. Everything else goes to the FHIR server, once the token server has answered a
look-up with the same token; its refusal is passed on as it is.
"""
import http.client
import http.server
import sys

PATIENCE_S = 60
ABOUT_TOKENS = ("/auth/", "/.well-known/", "/fhir/.well-known/")
# Of one connection only (RFC 9110, 7.6.1), or written anew.
OF_A_CONNECTION = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "content-length"}


def ask(port, method, path, body, headers):
    """Status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()
    finally:
        connection.close()


class Doorman(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    token_server = server_behind = 0

    def log_message(self, *_):
        """Patients' numbers are in the addresses."""

    def pass_on(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else None
        headers = {name: value for name, value in self.headers.items() if name.lower() not in OF_A_CONNECTION}
        try:
            status, theirs, answer = self.fetch(body, headers)
        except OSError:
            status, theirs, answer = 502, [], b""
        self.send_response_only(status)
        for name, value in theirs:
            if name.lower() not in OF_A_CONNECTION:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def fetch(self, body, headers):
        if self.path.startswith(ABOUT_TOKENS):
            return ask(self.token_server, self.command, self.path, body, headers)
        token = {name: value for name, value in headers.items() if name.lower() in ("authorization", "host")}
        known = ask(self.token_server, "GET", "/fhir/Patient?_count=1", None, token)
        if known[0] != 200:
            return known
        return ask(self.server_behind, self.command, self.path, body, headers)

    do_GET = do_POST = do_PUT = do_PATCH = pass_on


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    port, Doorman.token_server, Doorman.server_behind = map(int, sys.argv[1:])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Doorman)
    print("ready", flush=True)
    server.serve_forever()
