"""Signs requests as botocore does: a list of them as JSON from standard input, their Authorization fields as JSON to standard output."""

import datetime
import json
import sys
import urllib.parse
from unittest import mock

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def authorization(wanted: dict) -> str:
    moment = datetime.datetime.fromtimestamp(wanted["at"], datetime.timezone.utc)
    query = urllib.parse.urlencode([tuple(pair) for pair in wanted["query"]], quote_via=urllib.parse.quote, safe="-_.~")
    url = f"https://{wanted['host']}{urllib.parse.quote(wanted['path'], safe='/-_.~')}" + (f"?{query}" if query else "")
    request = AWSRequest(method=wanted["method"], url=url, headers=wanted["headers"])
    request.headers["X-Amz-Content-SHA256"] = wanted["payloadSHA256"]
    request.context["timestamp"] = moment.strftime("%Y%m%dT%H%M%SZ")
    credentials = Credentials(wanted["accessKey"], wanted["secretKey"], wanted.get("sessionToken"))
    signer = botocore.auth.S3SigV4Auth(credentials, "s3", wanted["region"])
    with (
        mock.patch.object(botocore.auth, "get_current_datetime", return_value=moment.replace(tzinfo=None)),
        mock.patch.object(signer, "_should_sha256_sign_payload", return_value=True),
        mock.patch.object(signer, "payload", return_value=wanted["payloadSHA256"]),
    ):
        signer.add_auth(request)
    return request.headers["Authorization"]


def main() -> None:
    json.dump([authorization(wanted) for wanted in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    main()
