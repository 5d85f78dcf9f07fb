/**
 * `npm run screenshots`: the pages as they look with users on them, phone and desktop, light and dark, in
 * .cache/screenshots for a person to look at; those that README.md shows, in docs/images. Takes two minutes, and Chromium.
 */
import { mkdir, rm } from 'node:fs/promises';
import { get } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { wallClockMs } from '../../shared/clock.ts';
import { loadConfig } from '../../shared/config.ts';
import { minuteOf, parseChannelId, parseUserId, type WriterId } from '../../shared/ids.ts';
import { createLogger } from '../../shared/logger.ts';
import { closeStore, openStore } from '../../shared/store/open-store.ts';
import type { UsageRow } from '../../shared/store/store.ts';
import { Screen } from '../demo/screen.ts';
import { killServices } from '../demo/services/service.ts';
import { type Services, startServices } from '../demo/services/services.ts';
import { register } from '../demo/viewer/demo-user.ts';
import { launch, SIZES } from '../e2e/pages/browser.ts';

const ROOT = `${import.meta.dirname}/../..`;
const FOLDER = `${ROOT}/.cache/screenshots`;
const IMAGES = `${ROOT}/docs/images`;
const VIEWER = 'user-1';
const USERS = 120;
const PROGRAMS = ['VLC/3.0.21 LibVLC/3.0.21', 'mpv 0.40.0', 'Lavf/61.7.100'];
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** Users come and charts grow meanwhile. */
const GROWING_MS = 90_000;
const PLAYS_MS = 6_000;
const JPEG_QUALITY = 72;

process.once('exit', killServices);
await rm(FOLDER, { recursive: true, force: true });
await mkdir(FOLDER, { recursive: true });
await mkdir(IMAGES, { recursive: true });

const options = { folder: FOLDER, logsToStdout: false, store: 'sqlite' } as const;
const services = await startServices(new Screen(false), options);
await watchInThePast(services);
await crowd(services);
const browser = await launch();
await shoot(browser, services);
await browser.close();
process.exit(0);

/** A day of a user: mornings and an evening, on two channels. */
async function watchInThePast({ store: { env } }: Services): Promise<void> {
  const logger = createLogger('fatal', 'screenshots');
  const store = await openStore(loadConfig(env), logger);
  const nowMs = wallClockMs();
  const rows: UsageRow[] = [];
  for (const [hoursAgo, channel, minutes] of [
    ...([1, 2, 20] as const).map((ago) => [ago, 'zato01', 48 - ago] as const),
    ...([3, 4, 5, 21, 22] as const).map((ago) => [ago, 'zato02', 8 + 2 * ago] as const),
    ...([2, 6, 12] as const).map((ago) => [ago, 'zato02', 12] as const),
  ]) {
    const from = Math.floor(nowMs / HOUR_MS) * HOUR_MS - hoursAgo * HOUR_MS;
    for (let minute = 0; minute < minutes; minute += 1) {
      rows.push(rowOf(channel, from + minute * MINUTE_MS));
    }
  }
  await store.saveUsage(rows);
  await closeStore(store, logger);
}

function rowOf(channel: string, atMs: number): UsageRow {
  const [userId, channelId] = [parseUserId(VIEWER), parseChannelId(channel)];
  if (userId === undefined || channelId === undefined) throw new TypeError('no id');
  const minute = minuteOf(atMs);
  const writerId = 'screenshots' as WriterId;
  return { userId, channelId, minute, writerId, deliveredMs: MINUTE_MS, final: true };
}

/** Users who come over a minute, by a line or with a player, and read all that they are sent. */
async function crowd({ ports }: Services): Promise<void> {
  const functions = `http://${ports.address('functions')}`;
  for (let i = 1; i <= USERS; i += 1) {
    const user = `user-${i}`;
    const channel = i % 5 === 0 ? 'zato02' : 'zato01';
    await register(functions, user);
    if (i > 1 && i % 3 === 0) {
      const url = `http://${ports.address('watch')}/watch/${channel}.ts?user=${user}`;
      const agent = PROGRAMS[i % PROGRAMS.length];
      get(url, { headers: { 'user-agent': agent } }, (answer) => answer.resume());
    } else if (i > 1) {
      const socket = connect(ports.port('users'), '127.0.0.1');
      socket.resume().write(`${user} ${channel}\n`);
    }
    await sleep(GROWING_MS / USERS);
  }
}

async function shoot(browser: Browser, { ports }: Services): Promise<void> {
  const [watch, admin] = [`http://${ports.address('watch')}/`, `http://${ports.address('admin')}/`];
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const name = (of: string): string => `${of}-${size}-${colorScheme}`;
      const page = await browser.newPage({ viewport, colorScheme });
      await page.goto(watch);
      await page.getByRole('button', { name: 'Register this id' }).waitFor();
      await keep(page, name('enter'));
      await page.getByLabel('User id or token').fill(VIEWER);
      await page.getByRole('button', { name: 'Show channels' }).click();
      await page.getByRole('button', { name: /zato01/ }).click();
      await page.locator('#status').waitFor({ state: 'hidden' });
      await sleep(PLAYS_MS);
      await keep(page, name('player'));
      await page.goto(admin);
      await page.locator('#users tbody tr').first().waitFor();
      await sleep(PLAYS_MS);
      await keep(page, name('operator'));
      await page.goto(`${admin}#user=${VIEWER}`);
      await page.locator('.hours').waitFor();
      await keep(page, name('user'));
      await page.close();
    }
  }
}

/** Those of README.md are small: it shows them light, at the width of a desktop. */
async function keep(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `${FOLDER}/${name}.png` });
  const [, shown] = /^(player|operator)-desktop-light$/.exec(name) ?? [];
  if (shown === undefined) return;
  await page.screenshot({ path: `${IMAGES}/${shown}.jpg`, type: 'jpeg', quality: JPEG_QUALITY });
}
