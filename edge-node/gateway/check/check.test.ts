import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { loadConfig } from '../../../shared/config.ts';
import { TestStream } from '../testing/test-stream.ts';
import { check } from './check.ts';

it('gateway check tells what each entry is, what is wrong with it, and what was ignored', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gateway-check-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const stream = new TestStream();
  await writeFile(join(folder, 'film.ts'), Buffer.concat([stream.tables(), ...stream.units(60)]));
  const list = join(folder, 'list.m3u');
  await writeFile(
    list,
    [
      '#EXTINF:-1 channel-id="good",Good',
      'film.ts?loop',
      '#EXTINF:-1 channel-id="gone",Gone',
      'nothing.ts',
      '#EXTINF:-1 channel-id="seven",Seven',
      'film.ts?program=7',
      '#EXTINF:-1 channel-id="good",Again',
      'film.ts',
    ].join('\n'),
  );
  const said: string[] = [];
  const config = loadConfig({ FFMPEG_PATH: '/nowhere/ffmpeg' });
  const checked = check([list], config, (text) => said.push(text));
  await expect(checked).rejects.toThrow('3 of 4 inputs do not play as they should');
  const [headings, good, gone, seven, ignored] = said.join('\n').split('\n');
  expect(headings).toMatch(
    /^id +name +input +reached +programs +kbit\/s +PCR ms +key ms +problem$/,
  );
  expect(good).toMatch(/^good +Good +film\.ts +yes +1: H\.264 +\d+ +\d+ +– +–$/);
  expect(gone).toMatch(/^gone +Gone +nothing\.ts +no +– .*ENOENT.*nothing\.ts'$/);
  expect(seven).toMatch(/^seven +Seven +film\.ts +no +1: H\.264 .* the stream has no program 7$/);
  expect(ignored).toBe('entry ignored: line 8, "Again": the id "good" is already used by "Good"');
});
