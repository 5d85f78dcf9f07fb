import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { EdgeAddress } from '../../ids.ts';
import type { Item } from './items.ts';

/**
 * Announcements stand in the table of usage, under a key that no user id can be. So there is no third table to make
 * before an upgrade, and an edge node needs no further right: in particular none to delete there. What is taken back
 * has no life left, and goes by the table's TTL as what has ended does.
 */
export const EDGES_KEY = '#edges';

/** Times of two machines may differ by as much, since an answer's Date has whole seconds and takes its time. */
const TOLERANCE_MS = 3_000;

export function announcementUpdate(
  table: string,
  address: EdgeAddress,
  text: string,
  nowMs: number,
  lifeSeconds: number,
): UpdateItemCommand {
  return new UpdateItemCommand({
    TableName: table,
    Key: { user_id: { S: EDGES_KEY }, row_key: { S: address } },
    UpdateExpression:
      'SET announcement = :text, announced_ms = :now, life_seconds = :life, expires_at = :end',
    ExpressionAttributeValues: {
      ':text': { S: text },
      ':now': { N: String(Math.round(nowMs)) },
      ':life': { N: String(lifeSeconds) },
      ':end': { N: String(Math.ceil(nowMs / 1_000) + lifeSeconds) },
    },
  });
}

/** Its life ends with this, whatever the time is. */
export function withdrawal(table: string, address: EdgeAddress, nowMs: number): UpdateItemCommand {
  return announcementUpdate(table, address, '', nowMs, 0);
}

/** The text of a living announcement. */
export function announcementIn(
  { announcement, announced_ms, life_seconds }: Item,
  nowMs: number,
): string | undefined {
  const ageMs = nowMs - Number(announced_ms?.N);
  const lifeMs = Number(life_seconds?.N) * 1_000;
  const isLiving = lifeMs > 0 && ageMs >= -TOLERANCE_MS && ageMs < lifeMs;
  return isLiving ? announcement?.S : undefined;
}
