"""An S3 store for tests: moto's server with a user of its own, whose every request must be signed. Ends with its parent's signal."""

import json
import os
import signal
import uuid

# The three calls that make the user and the key come before anybody can sign.
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "3"

import boto3
from moto.server import ThreadedMotoServer

REGION = "eu-central-1"
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}


def main() -> None:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    endpoint = f"http://127.0.0.1:{port}"
    anybody = {"endpoint_url": endpoint, "region_name": REGION, "aws_access_key_id": "x", "aws_secret_access_key": "x"}
    iam = boto3.client("iam", **anybody)
    iam.create_user(UserName="whorl")
    iam.put_user_policy(UserName="whorl", PolicyName="all", PolicyDocument=json.dumps(POLICY))
    key = iam.create_access_key(UserName="whorl")["AccessKey"]
    signer = {"endpoint_url": endpoint, "region_name": REGION}
    signer |= {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    bucket = f"whorl-{uuid.uuid4().hex[:12]}"
    boto3.client("s3", **signer).create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    said = {"port": port, "bucket": bucket, "accessKey": key["AccessKeyId"], "secretKey": key["SecretAccessKey"]}
    print(json.dumps(said), flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
