import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Minute } from '../../ids.ts';
import { expiryMs } from '../row-life.ts';
import type { UsageRow } from '../store.ts';

/** How a row of usage stands in its table. */
export type Item = Record<string, AttributeValue>;

export function tableNames(prefix: string) {
  return { registrations: `${prefix}-registrations`, usage: `${prefix}-usage` } as const;
}

/** Padded with zeros, so that texts sort as their minutes do. */
export function minuteText(minute: Minute): string {
  return String(minute).padStart(10, '0');
}

/** The sort key. It is compared and never taken apart: its parts are attributes, too. */
function rowKey({ minute, channelId, writerId }: UsageRow): string {
  return `${minuteText(minute)}#${channelId}#${writerId}`;
}

/** The sort key of the item that says which usage is forgotten: it comes after those of all rows. */
export const FORGOTTEN_KEY = '~forgotten';

export function keyOf(row: UsageRow): Item {
  return { user_id: { S: row.userId }, row_key: { S: rowKey(row) } };
}

/** The key of an item as one text, so that a row can be found again by what DynamoDB returns. */
export function keyText({ user_id, row_key }: Item): string {
  return `${user_id?.S} ${row_key?.S}`;
}

/** In seconds: the form that DynamoDB's TTL takes. */
export function expiresAt(minute: Minute): AttributeValue.NMember {
  return { N: String(Math.ceil(expiryMs(minute) / 1_000)) };
}

export function attributesOf(row: UsageRow) {
  return {
    minute: { N: String(row.minute) },
    channel_id: { S: row.channelId },
    writer_id: { S: row.writerId },
    delivered_ms: { N: String(row.deliveredMs) },
    expires_at: expiresAt(row.minute),
  };
}
