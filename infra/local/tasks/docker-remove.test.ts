import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

/** Stands in for docker: notes every call, lists one thing of ours, and cannot remove what is called `used`. */
const DOCKER = `#!/bin/sh
echo "$@" >> "$DOCKER_CALLS"
case "$2" in ls) echo "$DOCKER_LISTS" ;; rm) [ "$3" != used ] || { echo "still in use" >&2; exit 1; } ;; esac
`;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'docker-remove-'));
  writeFileSync(join(folder, 'docker'), DOCKER, { mode: 0o755 });
});
afterEach(() => rmSync(folder, { recursive: true }));

function remove(kind: string, lists: string) {
  const calls = join(folder, 'calls');
  const env = {
    ...process.env,
    PATH: `${folder}${delimiter}${process.env.PATH}`,
    DOCKER_CALLS: calls,
    DOCKER_LISTS: lists,
  };
  const script = join(import.meta.dirname, 'docker-remove.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, kind], {
    env,
    encoding: 'utf8',
  });
  return { status, stdout, stderr, calls: readFileSync(calls, 'utf8').trim().split('\n') };
}

describe.each(['containers', 'images', 'volumes'])('removing %s', (kind) => {
  test('asks for nothing without the label, removes what was listed and says so', () => {
    const { status, stdout, calls } = remove(kind, 'id-1 something of ours');
    const listings = calls.filter((call) => call.split(' ')[1] === 'ls');
    const removals = calls.filter((call) => call.split(' ')[1] === 'rm');
    expect(listings.length).toBeGreaterThan(0);
    for (const listing of listings) {
      expect(listing).toContain('--filter label=com.streaming-service.project');
    }
    expect(removals).toEqual([`${kind.slice(0, -1)} rm id-1`]);
    expect(calls.length).toBe(listings.length + removals.length);
    expect(stdout).toBe(`removed id-1 something of ours\n${kind} of this project removed: 1\n`);
    expect(status).toBe(0);
  });

  test('keeps what is in use, says why, and fails', () => {
    const { status, stdout, stderr } = remove(kind, 'used by someone');
    expect(stdout).toBe(`${kind} of this project removed: 0\n`);
    expect(stderr).toBe('kept used by someone: still in use\n');
    expect(status).toBe(1);
  });
});
