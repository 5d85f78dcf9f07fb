import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SETTINGS } from '../../shared/config.ts';
import { CLOSE_REASONS, HTTP_ERRORS, REFUSALS } from '../../shared/errors.ts';
import { exists, files, prose, read, section, tableRows } from './tree.ts';

const readme = read('README.md');

/** The tables of a README section as [first cell, second cell]. */
function documented(heading: string): [string, string][] {
  return tableRows(section(readme, heading)).map(([name = '', value = '']) => [name, value]);
}

describe('README.md', () => {
  test('every setting stands in the table with its default, and the table names no other', () => {
    const actual = Object.entries(SETTINGS).map(([name, setting]) => [
      name,
      setting.default || '–',
    ]);
    expect(documented('Settings').sort()).toEqual(actual.sort());
  });

  test('every HTTP error code stands in the table with its status, and the table names no other', () => {
    const actual = Object.entries(HTTP_ERRORS).map(([code, { status }]) => [code, String(status)]);
    expect(documented('HTTP errors').sort()).toEqual(actual.sort());
  });

  test('every refusal stands in the table with its text, and the table names no other', () => {
    expect(documented('Refusals').sort()).toEqual(Object.entries(REFUSALS).sort());
  });

  test('every close reason stands in the table, and the table names no other', () => {
    const names = documented('Close reasons').map(([name]) => name);
    expect(names.sort()).toEqual(Object.keys(CLOSE_REASONS).sort());
  });
});

/** The anchor that a heading gets on the usual forges. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

function anchorsIn(markdown: string): string[] {
  return [...prose(markdown).matchAll(/^#+ (.*)$/gm)].map((match) => anchorOf(match[1] ?? ''));
}

describe.each(files('*.md'))('%s', (page) => {
  const links = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1] ?? '')
    .filter((link) => !/^[a-z]+:/.test(link));

  test('every link within the repository resolves, its anchor too', () => {
    const broken = links.filter((link) => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : posix.join(posix.dirname(page), path);
      if (!exists(target)) return true;
      return anchor !== undefined && !anchorsIn(read(target)).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  test('every path in back quotes that looks like one of ours exists', () => {
    const tops = ['functions', 'edge-node', 'shared', 'infra', 'docs'].join('|');
    const paths = [...read(page).matchAll(new RegExp(`\`((?:${tops})/[\\w./-]*)\``, 'g'))];
    const broken = paths.map((match) => match[1] ?? '').filter((path) => !exists(path));
    expect(broken).toEqual([]);
  });
});
