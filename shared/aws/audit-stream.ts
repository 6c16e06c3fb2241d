import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { StreamEntry } from '../alerts/publish';
import { InvalidInput } from '../domain/errors';
import { parseRecord } from './audit-table';

/** An entry of a DynamoDB stream as Lambda hands it over: JSON, so that binary stands there as base64 text. */
export interface DeliveredEntry {
  readonly dynamodb?:
    | { readonly SequenceNumber?: string | undefined; readonly NewImage?: DeliveredItem | undefined }
    | undefined;
}
type DeliveredItem = Readonly<Record<string, object>>;

/** An entry of the audit table's stream, its record read only when it is its turn. */
export function streamEntry({ dynamodb }: DeliveredEntry): StreamEntry {
  const { SequenceNumber = '', NewImage } = dynamodb ?? {};
  return {
    sequenceNumber: SequenceNumber,
    record() {
      if (!NewImage) {
        throw new InvalidInput(
          `the stream entry ${SequenceNumber} has no new image: the stream must have the view NEW_IMAGE`,
        );
      }
      const item = Object.entries(NewImage).map(([name, value]) => [name, decoded(value)] as const);
      return parseRecord(unmarshall(Object.fromEntries(item)));
    },
  };
}

/** A record has binary only at its top. */
function decoded(value: object): AttributeValue {
  const binary = 'B' in value ? value.B : undefined;
  return typeof binary === 'string' ? { B: Buffer.from(binary, 'base64') } : (value as AttributeValue);
}
