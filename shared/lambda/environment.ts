/**
 * The environment of the functions, read in this file alone. serverless.yml gives each function exactly the names it
 * asks for; one that is missing stops the function at its start with a sentence, not at its first event.
 */
export function environment(name: EnvironmentName): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`the environment variable ${name} is not set`);
  return value;
}

export function optionalEnvironment(name: EnvironmentName): string | undefined {
  const value = process.env[name];
  return value === '' ? undefined : value;
}

export type EnvironmentName =
  | 'AUDIT_TABLE'
  | 'STATE_TABLE'
  | 'RECONCILE_QUEUE_URL'
  | 'REJECTED_QUEUE_URL'
  | 'NOTIFY_QUEUE_URL'
  | 'EVENT_BUS_NAME'
  | 'POLICY_FILE'
  | 'READ_ROLE_NAME'
  | 'EXTERNAL_ID'
  | 'HUB_ACCOUNT'
  | 'SLACK_API_URL'
  | 'SLACK_TOKEN_PARAMETER'
  | 'SLACK_WEBHOOK_PARAMETER'
  // Set by Lambda itself.
  | 'AWS_REGION'
  | 'LAMBDA_TASK_ROOT';
