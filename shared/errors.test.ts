import { expect, it } from 'vitest';
import { reasonOf } from './errors.ts';

it('the reason of several failed attempts names each, once, and is never empty', () => {
  const refused = (address: string) => new TypeError(`connect ECONNREFUSED ${address}`);
  const both = new AggregateError([refused('::1'), refused('127.0.0.1'), refused('::1')]);
  expect(reasonOf(both)).toBe('connect ECONNREFUSED ::1; connect ECONNREFUSED 127.0.0.1');
  expect(reasonOf(new AggregateError([], ''))).toBe('AggregateError');
  expect(reasonOf(new TypeError(''))).toBe('TypeError');
});
