import { expect, test, vi } from 'vitest';
import type { EdgeAddress } from '../../ids.ts';
import type { Store } from '../store.ts';
import type { OpenClient } from './contract-kit.ts';

const HOUR_MS = 3_600_000;
/** Longer than any of these tests takes. */
const LONG_SECONDS = 600;

let addressesMade = 0;
function newAddress(): EdgeAddress {
  addressesMade += 1;
  return `edge-${process.pid}-${addressesMade}.example:9111` as EdgeAddress;
}

export function describeAnnouncements(store: () => Store, open: OpenClient): void {
  test('what an edge node announced last is read by others, until it takes that back', async () => {
    const other = await open();
    const [one, two] = [newAddress(), newAddress()];
    await store().announce(one, 'one, at first', LONG_SECONDS);
    await store().announce(two, 'two: é 👩‍🚀 "\\', LONG_SECONDS);
    await store().announce(one, 'one, later', LONG_SECONDS);
    expect(await other.readAnnouncements()).toEqual(
      expect.arrayContaining(['one, later', 'two: é 👩‍🚀 "\\']),
    );
    expect(await other.readAnnouncements()).not.toContain('one, at first');
    await store().withdraw(one);
    const left = await other.readAnnouncements();
    expect(left).toContain('two: é 👩‍🚀 "\\');
    expect(left).not.toContain('one, later');
    await store().withdraw(one);
    await store().announce(one, 'one, again', LONG_SECONDS);
    expect(await other.readAnnouncements()).toContain('one, again');
    await other.close();
  });

  test('an announcement that is not repeated ends, and its neighbours do not', async () => {
    const [dead, living] = [newAddress(), newAddress()];
    await store().announce(living, `living ${living}`, LONG_SECONDS);
    await store().announce(dead, `dead ${dead}`, 1);
    await vi.waitFor(
      async () => expect(await store().readAnnouncements()).not.toContain(`dead ${dead}`),
      { timeout: 20_000, interval: 200 },
    );
    expect(await store().readAnnouncements()).toContain(`living ${living}`);
    await store().announce(dead, `back ${dead}`, LONG_SECONDS);
    expect(await store().readAnnouncements()).toContain(`back ${dead}`);
  });

  test.each([-30, 30])(
    'it lives and ends the same where the node’s clock is %i h off',
    async (hours) => {
      const wrong = await open({ now: () => Date.now() + hours * HOUR_MS });
      const [short, long] = [newAddress(), newAddress()];
      await wrong.announce(long, `long ${long}`, LONG_SECONDS);
      await wrong.announce(short, `short ${short}`, 1);
      await vi.waitFor(
        async () => expect(await store().readAnnouncements()).not.toContain(`short ${short}`),
        { timeout: 20_000, interval: 200 },
      );
      expect(await wrong.readAnnouncements()).toContain(`long ${long}`);
      expect(await store().readAnnouncements()).toContain(`long ${long}`);
      await wrong.close();
    },
  );

  test('a text of a node with very many channels is kept whole', async () => {
    const address = newAddress();
    const text = `${address} ${'channel '.repeat(12_000)}`;
    await store().announce(address, text, LONG_SECONDS);
    expect(await store().readAnnouncements()).toContain(text);
    await store().withdraw(address);
  });
}
