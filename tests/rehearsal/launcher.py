"""Starts ministack as its own command does, with four places brought nearer to AWS. README.md has the reasons.

The names below are ministack's internals, so its version is pinned in requirements.txt; one that moved stops the start.
"""

import json
import re

from ministack.app import main
from ministack.core import iam_actions
from ministack.services import dynamodb, eventbridge

INSERT_INTO = re.compile(r'\s*INSERT\s+INTO\s+"?([A-Za-z0-9_.-]+)"?', re.IGNORECASE)


def accept_aws_sources():
    """PutEvents takes `aws.*` sources: ministack's ECR emits no events, so the rehearsal says what ECR would say."""
    put_events = eventbridge._put_events
    eventbridge._put_events = lambda data, allow_aws_source=True: put_events(data, allow_aws_source=True)


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


def authorize_partiql_inserts():
    """ExecuteStatement and BatchExecuteStatement are no IAM actions: an INSERT is dynamodb:PartiQLInsert on its table."""
    checks_of_transaction = iam_actions.dynamodb_transaction_checks

    def checks(iam_action, body, region, account_id):
        request = json.loads(body or b"{}")
        if iam_action == "dynamodb:ExecuteStatement":
            statements = [request.get("Statement", "")]
        elif iam_action == "dynamodb:BatchExecuteStatement":
            statements = [one.get("Statement", "") for one in request.get("Statements", [])]
        else:
            return checks_of_transaction(iam_action, body, region, account_id)
        tables = {found.group(1) for found in map(INSERT_INTO.match, statements) if found}
        return [
            ("dynamodb:PartiQLInsert", f"arn:aws:dynamodb:{region}:{account_id}:table/{table}")
            for table in sorted(tables)
        ]

    iam_actions.dynamodb_transaction_checks = checks


if __name__ == "__main__":
    accept_aws_sources()
    stream_partiql_inserts()
    authorize_partiql_inserts()
    main()
