/** One request to an emulated AWS service, already decoded from its wire protocol. */
export interface Call {
  /** The API's own operation name, such as `DescribeImages`. */
  readonly operation: string;
  /** The decoded request body. Outside data: each operation checks what it uses. */
  readonly input: Record<string, unknown>;
  readonly account: string;
  readonly region: string;
}

/** An AWS service behind the embedded cloud's one port. The answer is the decoded response body. */
export interface Service {
  /** The prefix of `X-Amz-Target`, such as `AmazonEC2ContainerRegistry_V20150921`. */
  readonly target: string;
  /** `1.0` or `1.1`: the version in `application/x-amz-json-…`. */
  readonly jsonVersion: '1.0' | '1.1';
  call(call: Call): Promise<object>;
}

/** What a service answers instead of a result: the exception's name and HTTP status, as AWS documents them. */
export class AwsError extends Error {
  constructor(
    /** The exception's name, such as `RepositoryNotFoundException`. */
    readonly code: string,
    message: string,
    readonly status = 400,
    /** Further members of the error's body. */
    readonly members: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.name = code;
  }
}
