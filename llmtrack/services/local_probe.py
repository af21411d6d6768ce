"""Asks the server on this machine, over TLS if it speaks TLS, whoever signed its certificate."""

import http.client
import ssl


def ask(host: str, port: int, path: str, *, timeout_s: float) -> tuple[int, str]:
    """Status and body. Raises OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # nothing is sent that anybody may not know
    try:
        return _get(
            http.client.HTTPSConnection(host, port, timeout=timeout_s, context=context), path
        )
    except ssl.SSLError:
        return _get(http.client.HTTPConnection(host, port, timeout=timeout_s), path)


def _get(connection: http.client.HTTPConnection, path: str) -> tuple[int, str]:
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read(4096).decode(errors="replace")
    except http.client.HTTPException as error:
        raise OSError(str(error) or type(error).__name__) from error
    finally:
        connection.close()
