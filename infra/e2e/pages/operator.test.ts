import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EdgeRig } from '../../../edge-node/testing/edge-rig.ts';
import { Feed } from '../../../edge-node/testing/feed.ts';
import { minuteOf, parseChannelId, parseUserId, type WriterId } from '../../../shared/ids.ts';
import { freePorts } from '../../local/free-ports.ts';
import { launch, SIZES } from './browser.ts';
import { expectGood, openPage, PAGE_TEST_MS, WAIT } from './page-check.ts';

const TOKEN = 'an-operators-token-of-enough-bytes';
const HOUR_MS = 3_600_000;

let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

const open = (rig: EdgeRig, options: Parameters<Browser['newPage']>[0] = {}) =>
  openPage(browser, rig.origin, options);

/** Many users on two channels; `viewer-01` has watched for hours. */
async function busyNode(settings = {}) {
  const rig = await EdgeRig.start(settings);
  const [one, two] = [new Feed('zato01'), new Feed('zato02')];
  const ids = Array.from({ length: 40 }, (_, i) => `viewer-${String(i + 1).padStart(2, '0')}`);
  const users = await rig.watchAll(ids, 'zato01');
  const others = await rig.watchAll(['guest-1', 'guest-2'], 'zato02');
  rig.source.send(two.make(50));
  await rig.deliver(one.make(100), ...users);
  const nowMs = Date.now();
  for (let hour = 1; hour < 24; hour += 2) {
    for (const channel of ['zato01', 'zato02']) {
      await rig.store.saveUsage([
        {
          userId: parseUserId('viewer-01')!,
          channelId: parseChannelId(channel)!,
          minute: minuteOf(nowMs - hour * HOUR_MS),
          writerId: 'earlier' as WriterId,
          deliveredMs: 60_000,
          final: true,
        },
      ]);
    }
  }
  return { rig, users, others };
}

const users = (page: Page) => page.locator('#users tbody tr');
const firstUser = (page: Page) => page.locator('#users tbody tr:first-child td:first-child');
const textOf = (page: Page, selector: string) => () => page.locator(selector).textContent();

describe('the operators’ page', { timeout: PAGE_TEST_MS }, () => {
  it('shows who watches what, sorted, searched and page by page, and closes a session', async () => {
    const { rig } = await busyNode();
    const { page, complaints } = await open(rig);
    await expect.poll(textOf(page, '#state'), WAIT).toBe('Accepting users');
    await expect.poll(textOf(page, '#users-count'), WAIT).toBe('1 to 25 of 42');
    expect(await page.locator('#channels tbody tr').count()).toBe(2);
    expect(await page.locator('#channels tbody tr:first-child').textContent()).toContain('zato01');

    await page.getByRole('button', { name: 'Next' }).last().click();
    await expect.poll(textOf(page, '#users-count'), WAIT).toBe('26 to 42 of 42');
    await page.locator('#users').getByRole('button', { name: 'User', exact: true }).click();
    await expect.poll(() => firstUser(page).textContent(), WAIT).toBe('guest-1');
    expect(await page.locator('#users th').first().getAttribute('aria-sort')).toBe('ascending');
    await page.getByRole('button', { name: 'Watched' }).click();
    await expect.poll(() => firstUser(page).textContent(), WAIT).toMatch(/^viewer/);

    await page.getByLabel(/^Search users/).fill('guest');
    await expect.poll(() => users(page).count(), WAIT).toBe(2);
    expect(await page.locator('#users-count').textContent()).toBe('1 to 2 of 2 (42 in all)');
    const close = page.getByRole('button', { name: 'Close the session of guest-2 on zato02' });
    await close.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Keep it' }).click();
    await close.click();
    await page.getByRole('button', { name: 'Close session' }).click();
    await expect.poll(() => users(page).count(), WAIT).toBe(1);
    await rig.eventually(() => rig.metric('closes_total', 'closed_by_operator')).toBe(1);
    await rig.eventually(() => rig.metric('users')).toBe(41);
    expect(complaints).toEqual([]);
  });

  it('shows a user’s last day, and finds back', async () => {
    const { rig } = await busyNode();
    const { page, complaints } = await open(rig);
    await page.getByLabel(/^Search users/).fill('viewer-01');
    await page.getByRole('link', { name: 'viewer-01' }).click();
    await expect.poll(textOf(page, '#user-note'), WAIT).toContain('Watched 0:24:0');
    expect(await page.locator('.hours rect[class^=colour]').count()).toBeGreaterThanOrEqual(24);
    await page.getByText('As a table').click();
    expect(await page.locator('details tbody tr').count()).toBeGreaterThanOrEqual(12);
    await page.getByRole('link', { name: 'All users' }).click();
    await expect.poll(() => users(page).count(), WAIT).toBe(1);
    expect(complaints).toEqual([]);
  });

  it('comes back after a restart, and stands still where it is paused', async () => {
    const [admin = 0] = await freePorts(1);
    const settings = { ADMIN_PORT: String(admin) };
    const rig = await EdgeRig.start(settings);
    const { page } = await open(rig);
    await expect.poll(textOf(page, '#state'), WAIT).toBe('Accepting users');
    await rig.stop();
    await expect.poll(textOf(page, '#state'), WAIT).toContain('trying again');
    const next = await EdgeRig.start(settings);
    await expect.poll(textOf(page, '#state'), WAIT).toBe('Accepting users');
    await page.getByRole('button', { name: 'Pause' }).click();
    await next.watch('user-1', 'zato01');
    expect(await users(page).count()).toBe(0);
    await page.getByRole('button', { name: 'Pause' }).click();
    await expect.poll(() => users(page).count(), WAIT).toBe(1);
  });

  it('asks for the token where one is set, and keeps it for the tab', async () => {
    const rig = await EdgeRig.start({ ADMIN_TOKEN: TOKEN });
    await rig.watch('user-1', 'zato01').catch(() => undefined);
    const { page, complaints } = await open(rig);
    await page.getByLabel('Operators’ token').fill('another-token-of-thirty-two-bytes');
    await page.keyboard.press('Enter');
    await expect.poll(textOf(page, '#enter-error'), WAIT).toBe('This is not the token.');
    await page.getByLabel('Operators’ token').fill(TOKEN);
    await page.getByRole('button', { name: 'Look on' }).click();
    await expect.poll(() => users(page).count(), WAIT).toBe(1);
    await page.reload();
    await expect.poll(() => users(page).count(), WAIT).toBe(1);
    await page.getByRole('button', { name: 'Forget token' }).click();
    await page.reload();
    await page.getByLabel('Operators’ token').waitFor();
    expect(complaints).toEqual([]);
  });

  it('has no serious fault for assistive technology and fits, phone and desktop, light and dark', async () => {
    const { rig } = await busyNode();
    for (const [size, viewport] of Object.entries(SIZES)) {
      for (const colorScheme of ['light', 'dark'] as const) {
        const name = `operator-${size}-${colorScheme}`;
        const { page } = await open(rig, { viewport, colorScheme });
        await expect.poll(() => users(page).count(), WAIT).toBe(25);
        await expectGood(page, `${name}-node`);
        await page
          .getByRole('button', { name: /^Close the session/ })
          .first()
          .click();
        await expectGood(page, `${name}-confirm`);
        await page.getByRole('button', { name: 'Keep it' }).click();
        await page.goto(`${rig.origin}/#user=viewer-01`);
        await page.locator('.hours').waitFor();
        await expectGood(page, `${name}-user`);
        await page.close();
      }
    }
  });
});
