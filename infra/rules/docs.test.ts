import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { channelIdOfKey } from '../../edge-node/source/packet.ts';
import { PacketDecoder } from '../../edge-node/source/packet-decoder.ts';
import { parseUserLine } from '../../edge-node/transports/user-line.ts';
import {
  CLOSE_REASONS,
  HTTP_ERRORS,
  REFUSAL_CAUSES,
  REFUSALS,
  WATCH_REFUSALS,
} from '../../shared/errors.ts';
import { SESSION_BURST, SESSION_INTERVAL_MS } from '../../shared/limits.ts';
import { openApi } from '../docs/openapi.ts';
import { settingsPage } from '../docs/settings-page.ts';
import { exists, files, prose, read, section, tableRows } from './tree.ts';

/** The tables of a page's section as [first cell, second cell]. */
function documented(page: string, heading: string): [string, string][] {
  return tableRows(section(read(page), heading)).map(([name = '', value = '']) => [name, value]);
}

/** The bytes of a page's example of a protocol, as its code block `hex <port>` shows them. */
function exampleBytes(port: string): Buffer {
  const [, hex = ''] =
    new RegExp(`^\`\`\`hex ${port}\\n(.*?)^\`\`\``, 'ms').exec(read('docs/protocol.md')) ?? [];
  return Buffer.from(hex.replace(/\s/g, ''), 'hex');
}

describe('README.md', () => {
  test('is read to the end: at most 900 words', () => {
    expect(read('README.md').split(/\s+/).length).toBeLessThanOrEqual(900);
  });
});

describe('docs/settings.md', () => {
  test('is what the schema makes it: npm run docs', () => {
    expect(read('docs/settings.md')).toBe(settingsPage());
  });
});

describe('docs/openapi.json', () => {
  test('is what the routes of functions tell of themselves: npm run docs', async () => {
    expect(read('docs/openapi.json')).toBe(await openApi());
  });

  test('every HTTP error code stands in it with its status', () => {
    const { info, components } = JSON.parse(read('docs/openapi.json')) as {
      info: { description: string };
      components: { schemas: { Error: { properties: { code: { enum: string[] } } } } };
    };
    const actual = Object.entries(HTTP_ERRORS).map(([code, { status }]) => [code, String(status)]);
    const rows = tableRows(info.description).map(([code = '', status = '']) => [code, status]);
    expect(rows.sort()).toEqual(actual.sort());
    expect(components.schemas.Error.properties.code.enum.sort()).toEqual(
      Object.keys(HTTP_ERRORS).sort(),
    );
  });
});

describe('docs/http-api.md', () => {
  test('every HTTP error code stands in the table with its status, and the table names no other', () => {
    const actual = Object.entries(HTTP_ERRORS).map(([code, { status }]) => [code, String(status)]);
    expect(documented('docs/http-api.md', 'HTTP errors').sort()).toEqual(actual.sort());
  });
});

describe('docs/operations.md', () => {
  test('every cause of a refusal stands in the table with its code and text, and no other', () => {
    const actual = Object.entries(REFUSAL_CAUSES).map(([cause, { code, text }]) => [
      code,
      cause,
      text,
    ]);
    const page = section(read('docs/operations.md'), 'Causes of refusals');
    expect(tableRows(page).sort()).toEqual(actual.sort());
  });
});

describe('docs/protocol.md', () => {
  test('every refusal stands in the table with its text, and the table names no other', () => {
    const actual = Object.entries(REFUSALS);
    expect(documented('docs/protocol.md', 'Refusals').sort()).toEqual(actual.sort());
  });

  test('every refusal of a player stands in the table with its status and text, and no other', () => {
    const actual = Object.entries(WATCH_REFUSALS).map(([code, { status, message }]) => [
      code,
      String(status),
      message,
    ]);
    const page = section(read('docs/protocol.md'), 'Refusals of players');
    expect(tableRows(page).sort()).toEqual(actual.sort());
  });

  test('how often a user may begin a session is said as it is', () => {
    const rate = `${SESSION_BURST} sessions may begin at once, and one a second after that`;
    expect(SESSION_INTERVAL_MS).toBe(1_000);
    expect(section(read('docs/protocol.md'), 'Refusals')).toContain(rate);
    expect(REFUSAL_CAUSES.too_often.text).toContain(`${SESSION_BURST} at once, then one a second`);
  });

  test('every close reason stands in the table with its text, and the table names no other', () => {
    const actual = Object.entries(CLOSE_REASONS);
    expect(documented('docs/protocol.md', 'Close reasons').sort()).toEqual(actual.sort());
  });

  test('the packet of its example is the one that the text says', () => {
    const packets: unknown[] = [];
    new PacketDecoder(1024, {
      packet: (key, { high, low, bytes, start, end }) =>
        packets.push([channelIdOfKey(key), high, low, bytes.toString('latin1', start, end)]) > 0,
    }).push(exampleBytes('9110'), 0);
    expect(packets).toEqual([['zato01', 1, 0, 'live']]);
  });

  test('the line of its example is the one that the text says', () => {
    const line = exampleBytes('9111');
    expect(line.at(-1)).toBe(0x0a);
    const parsed = parseUserLine(line.subarray(0, -1), false);
    expect(parsed).toEqual({ userId: 'user-1', channelId: 'zato01' });
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
