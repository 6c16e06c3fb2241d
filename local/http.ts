import type { IncomingHttpHeaders } from 'node:http';

/** A request to a part of the embedded cloud that speaks plain HTTP: REST services, Query protocol, Slack. */
export interface HttpRequest {
  readonly method: string;
  /** Without the query, percent-encoding as sent. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly account: string;
  readonly region: string;
  /** From the SigV4 credential scope; undefined for an unsigned request. */
  readonly signed: { readonly service: string; readonly accessKeyId: string } | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export type HttpHandler = (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>;

export function jsonAnswer(status: number, body: object): HttpAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(body),
  };
}
