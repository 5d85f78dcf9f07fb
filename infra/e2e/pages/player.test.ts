import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EdgeRig } from '../../../edge-node/testing/edge-rig.ts';
import { streamToken, TOKEN_SECRET } from '../../../shared/testing/jwt.ts';
import { killServices } from '../../demo/services/service.ts';
import { freePorts } from '../../local/free-ports.ts';
import { launch, SIZES } from './browser.ts';
import { expectGood, openPage, PAGE_TEST_MS, WAIT } from './page-check.ts';
import { startSource } from './source-process.ts';

let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});
afterAll(async () => {
  await browser?.close();
  killServices();
});

async function stationOf(settings = {}) {
  const [sourcePort = 0, watchPort = 0] = await freePorts(2);
  const startEdge = async (...registered: string[]) => {
    const env = { CHANNEL_SOURCE_PORT: String(sourcePort), WATCH_PORT: String(watchPort) };
    const rig = await EdgeRig.start({ ...env, SOURCE_SILENCE_MS: '5000', ...settings }, 'away');
    for (const user of registered) rig.store.registered.add(user);
    await rig.eventually(() => rig.metric('channels')).toBe(2);
    return rig;
  };
  const source = startSource(sourcePort);
  return { source, sourcePort, startEdge, rig: await startEdge('user-1') };
}

const open = (rig: EdgeRig, options: Parameters<Browser['newPage']>[0] = {}) =>
  openPage(browser, rig.watchOrigin, options);

async function enter(page: Page, pass = 'user-1'): Promise<void> {
  await page.getByLabel('User id or token').fill(pass);
  await page.getByRole('button', { name: 'Show channels' }).click();
}

const watched = async (page: Page): Promise<number> => {
  const [minutes = 0, seconds = 0] = (await page.locator('#watched').innerText())
    .split(':')
    .map(Number);
  return 60 * minutes + seconds;
};

const restarts = async (page: Page): Promise<number> =>
  Number(await page.locator('#restarts').innerText());

/** So many more seconds of picture go by. */
async function plays(page: Page, seconds = 2): Promise<void> {
  const before = await watched(page);
  await expect.poll(() => watched(page), WAIT).toBeGreaterThanOrEqual(before + seconds);
  await expect.poll(() => page.locator('#status').textContent(), WAIT).toBe('');
}

describe('the player page', { timeout: PAGE_TEST_MS }, () => {
  it('plays a channel through a restart of the source, of the edge node, and a frozen picture', async () => {
    const { source, sourcePort, startEdge, rig } = await stationOf({ WATCH_REGISTER: 'open' });
    const { page, complaints } = await open(rig);
    await page.getByLabel('User id or token').fill('new-viewer');
    await page.getByRole('button', { name: 'Register this id' }).click();
    await page.getByRole('button', { name: /zato01/ }).click();
    await plays(page, 6);

    source.kill();
    await expect
      .poll(() => page.locator('#status').textContent(), WAIT)
      .toContain('sends nothing right now');
    startSource(sourcePort);
    // Time stamps fall back by more than the watchdog's patience: the old player would wait that long.
    await expect.poll(() => restarts(page), WAIT).toBeGreaterThan(0);
    await plays(page);

    await rig.stop();
    await expect.poll(() => page.locator('#status').textContent(), WAIT).toContain('again');
    await startEdge('new-viewer');
    await plays(page);

    const before = await restarts(page);
    await page.locator('video').evaluate((video) => {
      Object.assign(video, { playbackRate: 0, defaultPlaybackRate: 1 });
    });
    await expect.poll(() => restarts(page), WAIT).toBeGreaterThan(before);
    await plays(page);

    await page.keyboard.press('k');
    await expect.poll(() => page.locator('#status').textContent(), WAIT).toBe('Stopped');
    expect(complaints).toEqual([]);
  });

  it('takes a token, and says what is refused', async () => {
    const { rig } = await stationOf({ STREAM_TOKEN_SECRETS: TOKEN_SECRET });
    const { page } = await open(rig);
    await enter(page);
    await expect.poll(() => page.locator('#enter-error').textContent(), WAIT).toContain('Refused');
    expect(await page.getByRole('button', { name: 'Register this id' }).count()).toBe(0);
    await enter(page, streamToken({ sub: 'user-1', channels: ['zato02'] }));
    await page.getByRole('button', { name: /zato02/ }).click();
    await plays(page, 1);
    expect(await page.locator('#channels button').count()).toBe(1);
  });

  it('has no serious fault for assistive technology and fits, phone and desktop, light and dark', async () => {
    const { rig } = await stationOf();
    for (const [size, viewport] of Object.entries(SIZES)) {
      for (const colorScheme of ['light', 'dark'] as const) {
        const { page } = await open(rig, { viewport, colorScheme });
        await page.getByLabel('User id or token').waitFor();
        await expectGood(page, `player-${size}-${colorScheme}-enter`);
        await enter(page);
        await page.getByRole('button', { name: /zato01/ }).click();
        await plays(page, 1);
        await expectGood(page, `player-${size}-${colorScheme}-watch`);
        await page.close();
      }
    }
  });
});
