"""What Python's own library reads in an e-mail. `python mail.py FILE` prints it as a line of JSON."""

import email
import json
import re
import sys
from email import policy


def described(data: bytes) -> dict:
    message = email.message_from_bytes(data, policy=policy.default)
    leaves = [part for part in message.walk() if not part.is_multipart()]
    return {
        "headers": [[name, str(value)] for name, value in message.items()],
        "type": message.get_content_type(),
        "parts": [[part.get_content_type(), part.get_content().replace("\r\n", "\n")] for part in leaves],
        "defects": [repr(defect) for part in message.walk() for defect in part.defects],
        "header_defects": [repr(defect) for value in message.values() for defect in value.defects],
        "longest_line": max(len(line) for line in data.split(b"\r\n")),
        "bare_ends": len(re.findall(rb"\r(?!\n)|(?<!\r)\n", data)),
        "head": data.split(b"\r\n\r\n")[0].decode(),
    }


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        print(json.dumps(described(file.read())))
