import { type Minute, minuteOf, type UserId, type WriterId } from '../../../shared/ids.ts';
import { usageRow } from '../../../shared/store/testing/usage-row.ts';
import { SpoolFileEncoder } from '../spool/spool-file.ts';

/** A spool file of `writer` with a row of 20 ms for each of `count` users, user-0 and so on. */
export function spoolFile(
  writer: string,
  count: number,
  minute: number = minuteOf(Date.now()),
): Buffer {
  const encoder = new SpoolFileEncoder(writer as WriterId);
  const of = (user: number) =>
    usageRow({ userId: `user-${user}` as UserId, minute: minute as Minute });
  encoder.add(Array.from({ length: count }, (_, user) => of(user)));
  return encoder.finish();
}
