import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** A span as it arrived. */
export interface ReceivedSpan {
  readonly trace: string;
  readonly id: string;
  /** Empty where it has none. */
  readonly parent: string;
  readonly name: string;
  /** By OTLP's numbers: 2 is a server's, 3 a client's. */
  readonly kind: number;
  readonly isError: boolean;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly service: string;
}

type Fields = ReadonlyMap<number, readonly (Buffer | bigint)[]>;

/** Protobuf's wire format: the values of a message by their field numbers. */
function fieldsOf(message: Buffer): Fields {
  const fields = new Map<number, (Buffer | bigint)[]>();
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number) => {
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const tag = Number(varint());
    const type = tag & 7;
    const value = type === 0 ? varint() : take(type === 2 ? Number(varint()) : type === 1 ? 8 : 4);
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value]);
  }
  return fields;
}

const messages = (fields: Fields, number: number) =>
  (fields.get(number) ?? []).map((value) => fieldsOf(value as Buffer));
const text = (fields: Fields, number: number, encoding: BufferEncoding = 'utf8') =>
  (fields.get(number)?.[0] as Buffer | undefined)?.toString(encoding) ?? '';

/** Key and value; of a value only text and whole numbers. */
function attributesOf(fields: Fields, number: number) {
  const entries = messages(fields, number).map((pair) => {
    const [value] = messages(pair, 2);
    const whole = value?.get(3)?.[0];
    return [text(pair, 1), whole === undefined ? text(value as Fields, 1) : Number(whole)] as const;
  });
  return Object.fromEntries(entries);
}

function spansOf(request: Buffer): ReceivedSpan[] {
  return messages(fieldsOf(request), 1).flatMap((ofResource) => {
    const [resource] = messages(ofResource, 1);
    const service = String(attributesOf(resource as Fields, 1)['service.name']);
    const spans = messages(ofResource, 2).flatMap((ofScope) => messages(ofScope, 2));
    return spans.map((span) => ({
      trace: text(span, 1, 'hex'),
      id: text(span, 2, 'hex'),
      parent: text(span, 4, 'hex'),
      name: text(span, 5),
      kind: Number(span.get(6)?.[0]),
      isError: messages(span, 15)[0]?.get(3)?.[0] === 2n,
      attributes: attributesOf(span, 9),
      service,
    }));
  });
}

/** An OTLP collector on a port of its own, that keeps what it is sent, or never answers. */
export class TraceCollector {
  readonly spans: ReceivedSpan[] = [];
  requests = 0;
  answers = true;
  readonly #server = createServer(async (request, response) => {
    this.requests += 1;
    const body = await buffer(request);
    if (!this.answers) return;
    this.spans.push(...spansOf(body));
    response.setHeader('content-type', 'application/x-protobuf').end();
  });

  /** @returns the value of OTEL_EXPORTER_OTLP_ENDPOINT */
  async listen(): Promise<string> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
