import { expect, test } from 'vitest';
import type { ChannelId, EdgeAddress } from '../ids.ts';
import { announcementText, parseAnnouncement } from './announcement.ts';

const ANNOUNCED = {
  address: '203.0.113.7:9111' as EdgeAddress,
  watchUrl: 'http://203.0.113.7:9113',
  load: 0.25,
  users: 3,
  channels: ['zato01', '"\\"'] as ChannelId[],
};

test('what a node announces is read as it was, and what a newer one adds is left out', () => {
  expect(parseAnnouncement(announcementText(ANNOUNCED))).toEqual(ANNOUNCED);
  const newer = JSON.stringify({ ...ANNOUNCED, region: 'eu' });
  expect(parseAnnouncement(newer)).toEqual(ANNOUNCED);
});

test.each([
  '',
  'null',
  '7',
  '[]',
  '{',
  JSON.stringify({ ...ANNOUNCED, load: 'much' }),
  JSON.stringify({ ...ANNOUNCED, channels: [1] }),
  JSON.stringify({ ...ANNOUNCED, address: undefined }),
])('%j is no announcement', (text) => {
  expect(parseAnnouncement(text)).toBeUndefined();
});
