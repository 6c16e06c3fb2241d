"""Starts ministack as its own command does, with a few things brought nearer to AWS. README.md has the reasons.

The names below are ministack's internals, so its version is pinned in requirements.txt; one that moved stops the start.
"""

import json
import os
import re
import signal
import sys
import threading

from ministack.app import main
from ministack.core import iam_actions
from ministack.core.responses import json_response
from ministack.services import dynamodb, ecr, eventbridge
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

INSERT_INTO = re.compile(r'\s*INSERT\s+INTO\s+"?([A-Za-z0-9_.-]+)"?', re.IGNORECASE)


def end_with_the_rehearsal():
    """The rehearsal holds our standard input open: its end, however it came, ends us and the functions we started."""

    def watch():
        sys.stdin.buffer.read()
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def accept_aws_sources():
    """PutEvents takes `aws.*` sources: ministack's ECR emits no events, so the rehearsal says what ECR would say."""
    put_events = eventbridge._put_events
    eventbridge._put_events = lambda data, allow_aws_source=True: put_events(data, allow_aws_source=True)


def know_event_archives():
    """CloudFormation knows AWS::Events::Archive: ministack has archives, but refuses a template that asks for one."""

    def create(logical_id, properties, stack_name):
        eventbridge._create_archive({**properties, "EventSourceArn": properties["SourceArn"]})
        archive = eventbridge._archives[properties["ArchiveName"]]
        return archive["ArchiveName"], {"Arn": archive["ArchiveArn"], "ArchiveName": archive["ArchiveName"]}

    def delete(name, properties):
        eventbridge._archives.pop(name, None)

    _RESOURCE_HANDLERS["AWS::Events::Archive"] = {"create": create, "delete": delete}


def answer_replication_status():
    """ECR answers DescribeImageReplicationStatus: no destination for an image of a registry that replicates nothing."""
    handle_request = ecr.handle_request

    async def handle(method, path, headers, body, query_params):
        if not headers.get("x-amz-target", "").endswith(".DescribeImageReplicationStatus"):
            return await handle_request(method, path, headers, body, query_params)
        request = json.loads(body)
        return json_response(
            {
                "repositoryName": request["repositoryName"],
                "imageId": request["imageId"],
                "replicationStatuses": [],
            }
        )

    ecr.handle_request = handle


def stream_partiql_inserts():
    """A PartiQL INSERT is an item change like any other and goes into the table's stream."""
    insert = dynamodb._partiql_insert

    def insert_and_stream(table, parsed):
        answer = insert(table, parsed)
        if answer[0] == 200:
            item = parsed["item"]
            item = item["M"] if set(item) == {"M"} else item
            dynamodb._emit_stream_event(table["TableName"], "INSERT", None, item)
        return answer

    dynamodb._partiql_insert = insert_and_stream


def authorize_described_repositories():
    """DescribeRepositories is authorized on the repositories that it names, on `repository/*` where it names none."""
    extract_resource_arn = iam_actions.extract_resource_arn

    def extract(service, method, path, headers, body, query_params, region, account_id):
        if service == "ecr" and headers.get("x-amz-target", "").endswith(".DescribeRepositories"):
            name = (json.loads(body or b"{}").get("repositoryNames") or ["*"])[0]
            return f"arn:aws:ecr:{region}:{account_id}:repository/{name}"
        return extract_resource_arn(service, method, path, headers, body, query_params, region, account_id)

    iam_actions.extract_resource_arn = extract


def authorize_partiql_inserts():
    """ExecuteStatement and BatchExecuteStatement are no IAM actions: an INSERT is dynamodb:PartiQLInsert on its table."""
    checks_of_transaction = iam_actions.dynamodb_transaction_checks

    def checks(iam_action, body, region, account_id):
        request = json.loads(body or b"{}")
        if iam_action == "dynamodb:ExecuteStatement":
            statements = [request]
        elif iam_action == "dynamodb:BatchExecuteStatement":
            statements = request.get("Statements", [])
        else:
            return checks_of_transaction(iam_action, body, region, account_id)
        inserts = [INSERT_INTO.match(one.get("Statement", "")) for one in statements]
        if not all(inserts):
            return []  # Anything else stays with ministack, which refuses it: no role has the action it asks for.
        return [
            ("dynamodb:PartiQLInsert", f"arn:aws:dynamodb:{region}:{account_id}:table/{table}")
            for table in sorted({insert.group(1) for insert in inserts})
        ]

    iam_actions.dynamodb_transaction_checks = checks


if __name__ == "__main__":
    end_with_the_rehearsal()
    accept_aws_sources()
    know_event_archives()
    answer_replication_status()
    stream_partiql_inserts()
    authorize_described_repositories()
    authorize_partiql_inserts()
    main()
