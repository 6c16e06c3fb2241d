import { createHash } from 'node:crypto';
import type { Clock } from './clock';
import type { HttpAnswer, HttpHandler } from './http';
import { AwsError } from './service';

export interface Sts {
  /** Answers STS's Query protocol: form in, XML out. */
  readonly handle: HttpHandler;
  /** The account of credentials that AssumeRole gave out; undefined for any other. */
  accountOf(accessKeyId: string): string | undefined;
}

interface Session {
  readonly account: string;
  readonly arn: string;
  readonly roleId: string;
}

const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/';
const ROLE = /^arn:aws[a-z-]*:iam::(\d{12}):role\/(?:[\w+=,.@/-]*\/)?([\w+=,.@-]+)$/;
const SESSION_NAME = /^[\w+=,.@-]{2,64}$/;
const SHORTEST_SESSION = 900;
const LONGEST_SESSION = 43_200;

/**
 * Any role may be assumed; its credentials belong to the role's account. `clock` should be the wall clock:
 * SDKs compare the expiration with their own.
 */
export function createSts({ clock, newId }: { clock: Clock; newId: () => string }): Sts {
  const sessions = new Map<string, Session>();

  return {
    accountOf: (accessKeyId) => sessions.get(accessKeyId)?.account,
    handle({ body, account, signed }) {
      const form = new URLSearchParams(body.toString('utf8'));
      const requestId = newId();
      try {
        switch (form.get('Action')) {
          case 'GetCallerIdentity':
            return result(
              'GetCallerIdentity',
              requestId,
              identity(account, sessions.get(signed?.accessKeyId ?? '')),
            );
          case 'AssumeRole':
            return result('AssumeRole', requestId, assumeRole(form));
          default:
            throw new AwsError('InvalidAction', `STS here does not know the action ${form.get('Action')}.`);
        }
      } catch (error) {
        if (!(error instanceof AwsError)) throw error;
        return failure(error, requestId);
      }
    },
  };

  function assumeRole(form: URLSearchParams): Members {
    const roleArn = form.get('RoleArn') ?? '';
    const sessionName = form.get('RoleSessionName') ?? '';
    const seconds = Number(form.get('DurationSeconds') ?? 3600);
    const [, account, role] = ROLE.exec(roleArn) ?? [];
    if (!account || !role) throw invalid(`RoleArn ${roleArn} is not the ARN of a role.`);
    if (!SESSION_NAME.test(sessionName)) throw invalid(`RoleSessionName must match ${SESSION_NAME.source}.`);
    if (!(seconds >= SHORTEST_SESSION && seconds <= LONGEST_SESSION)) {
      throw invalid(`DurationSeconds must be from ${SHORTEST_SESSION} to ${LONGEST_SESSION}.`);
    }
    const roleId = `AROA${hashed(roleArn, 17)}`;
    const arn = `arn:aws:sts::${account}:assumed-role/${role}/${sessionName}`;
    const accessKeyId = `ASIA${hashed(newId(), 16)}`;
    sessions.set(accessKeyId, { account, arn, roleId: `${roleId}:${sessionName}` });
    return {
      Credentials: {
        AccessKeyId: accessKeyId,
        SecretAccessKey: hashed(`${accessKeyId} secret`, 40),
        SessionToken: hashed(`${accessKeyId} token`, 64),
        Expiration: new Date(clock.now() + seconds * 1000).toISOString(),
      },
      AssumedRoleUser: { AssumedRoleId: `${roleId}:${sessionName}`, Arn: arn },
    };
  }
}

interface Members {
  readonly [name: string]: string | Members;
}

function identity(account: string, session: Session | undefined): Members {
  if (session) return { UserId: session.roleId, Account: session.account, Arn: session.arn };
  return { UserId: account, Account: account, Arn: `arn:aws:iam::${account}:root` };
}

function result(action: string, requestId: string, members: Members): HttpAnswer {
  const body = { [`${action}Result`]: members, ResponseMetadata: { RequestId: requestId } };
  return xmlAnswer(200, `<${action}Response xmlns="${NAMESPACE}">${xml(body)}</${action}Response>`);
}

function failure(error: AwsError, requestId: string): HttpAnswer {
  const body = { Error: { Type: 'Sender', Code: error.code, Message: error.message }, RequestId: requestId };
  return xmlAnswer(error.status, `<ErrorResponse xmlns="${NAMESPACE}">${xml(body)}</ErrorResponse>`);
}

function xmlAnswer(status: number, body: string): HttpAnswer {
  return { status, headers: { 'content-type': 'text/xml' }, body };
}

function xml(members: Members): string {
  return Object.entries(members)
    .map(([name, value]) => `<${name}>${typeof value === 'string' ? escaped(value) : xml(value)}</${name}>`)
    .join('');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Upper-case letters and digits, as AWS's ids have them. */
function hashed(text: string, length: number): string {
  return createHash('sha512').update(text).digest('hex').toUpperCase().slice(0, length);
}

function invalid(message: string): AwsError {
  return new AwsError('ValidationError', message);
}
