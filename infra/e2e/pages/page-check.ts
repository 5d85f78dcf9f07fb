import { mkdir } from 'node:fs/promises';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';

/** What a page may take to come back, and a busy machine beside it. */
export const WAIT = { timeout: 60_000 };
export const PAGE_TEST_MS = 240_000;

/** Opens a page, and gathers what it complains of: errors, and what its policy forbids. */
export async function openPage(
  browser: Browser,
  url: string,
  options: Parameters<Browser['newPage']>[0] = {},
) {
  const page = await browser.newPage(options);
  page.setDefaultTimeout(WAIT.timeout);
  onTestFinished(() => page.close());
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) complaints.push(message.text());
  });
  await page.goto(url);
  return { page, complaints };
}

/** Nothing serious is wrong for assistive technology, and nothing is wider than the screen. */
export async function expectGood(page: Page, name: string): Promise<void> {
  expect([name, await seriousFaults(page)]).toEqual([name, []]);
  const isTooWide = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';
  expect([name, await page.evaluate(isTooWide)]).toEqual([name, false]);
  const folder = process.env.PAGE_SHOTS;
  if (folder === undefined) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: `${folder}/${name}.png` });
}

async function seriousFaults(page: Page): Promise<unknown[]> {
  await page.evaluate(axe.source);
  const results = await page.evaluate('axe.run()');
  const { violations } = results as { violations: { id: string; impact: string; nodes: [] }[] };
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => [id, nodes]);
}
