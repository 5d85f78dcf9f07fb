import { createHash } from 'node:crypto';
import { ConfigError } from '../../shared/errors.ts';
import { type ChannelId, parseChannelId } from '../../shared/ids.ts';
import { CHANNEL_BYTES } from '../source/packet.ts';
import { type InputSpec, parseInput } from './input-url.ts';
import { isHlsPlaylist, type M3uEntry, readM3u } from './m3u.ts';

/** A channel and its inputs, the preferred one first. Plain data: two that are the same compare equal as JSON. */
export interface ChannelDefinition {
  readonly id: ChannelId;
  readonly name: string;
  readonly group: string;
  readonly logo: string;
  readonly inputs: readonly [InputSpec, ...InputSpec[]];
}

/** The channels of a list, and a line for each entry that is ignored. */
export interface ChannelList {
  readonly channels: readonly ChannelDefinition[];
  readonly problems: readonly string[];
}

/** A list's text and what else tells what it means. */
export interface ListSource {
  readonly text: string;
  /** That relative paths begin at. */
  readonly folder: string;
  /** Only channels of these groups are taken; of all where there is none. */
  readonly groups: readonly string[];
}

/**
 * Reads a list of channels: JSON `[{"id", "name", "group", "logo", "inputs": […]}]`, or M3U. An entry that is wrong, or
 * has the id of one before it, is ignored: the rest plays.
 *
 * @throws ConfigError where it is no list at all
 */
export function readChannelList({ text, folder, groups }: ListSource): ChannelList {
  if (text.includes('\0')) {
    throw new ConfigError(
      'this is no text; a stream itself is named as channel=input, as in a=film.ts',
    );
  }
  const body = text.replace(/^\uFEFF/, '').trimStart();
  const isJson = body.startsWith('[') || body.startsWith('{');
  if (!isJson && isHlsPlaylist(body)) {
    throw new ConfigError('this is the playlist of one HLS stream, not a list of channels');
  }
  const entries = isJson ? jsonEntries(body, folder) : m3uEntries(text, folder);
  return collect(
    groups.length === 0 ? entries : entries.filter(({ group }) => groups.includes(group)),
  );
}

/** Channels named on the command line: `id=input`, once more for each further input of the same channel. */
export function readArguments(args: readonly string[]): ChannelDefinition[] {
  const channels = new Map<ChannelId, ChannelDefinition>();
  for (const argument of args) {
    const [name = '', input] = argument.split(/=(.*)/s, 2);
    if (input === undefined) {
      const what = name.includes('://') ? 'a URL alone' : `"${name}"`;
      throw new ConfigError(`${what} is not of the form channel=input`);
    }
    const id = checkedId(name);
    const spec = parseInput(input);
    const known = channels.get(id);
    const inputs: ChannelDefinition['inputs'] = known ? [...known.inputs, spec] : [spec];
    channels.set(id, { id, name, group: '', logo: '', inputs });
  }
  const all = [...channels.values()];
  const readsStdin = all.flatMap(({ inputs }) => inputs).filter(({ kind }) => kind === 'stdin');
  if (readsStdin.length > 1) throw new ConfigError('only one input can be standard input');
  return all;
}

/** An entry whose fields are not checked yet. */
interface Entry {
  /** How a problem names it. */
  readonly place: string;
  readonly group: string;
  readonly define: () => ChannelDefinition;
}

function collect(entries: readonly Entry[]): ChannelList {
  const channels = new Map<ChannelId, ChannelDefinition>();
  const problems: string[] = [];
  for (const { place, define } of entries) {
    try {
      const channel = define();
      const known = channels.get(channel.id);
      if (known) {
        problems.push(`${place}: the id "${channel.id}" is already used by "${known.name}"`);
      } else channels.set(channel.id, channel);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(`${place}: ${error.message}`);
    }
  }
  return { channels: [...channels.values()], problems };
}

function m3uEntries(text: string, folder: string): Entry[] {
  return readM3u(text).map((entry) => ({
    place: `line ${entry.line}, "${entry.name}"`,
    group: entry.group,
    define: () => ({
      id: m3uId(entry),
      name: entry.name,
      group: entry.group,
      logo: entry.attributes.get('tvg-logo') ?? '',
      inputs: [fromList(entry.url, folder, entry.headers)],
    }),
  }));
}

/** An input of a list, which cannot be standard input: that belongs to whoever typed the command. */
function fromList(url: string, folder: string, headers = {}): InputSpec {
  const spec = parseInput(url, folder, headers);
  if (spec.kind === 'stdin') throw new ConfigError('an input of a list cannot be standard input');
  return spec;
}

const ID_DIGITS = 36;

/** The id that a list gives a channel, or one that stays the same as long as its `tvg-id` or URL does. */
function m3uId({ attributes, url }: M3uEntry): ChannelId {
  const given = attributes.get('channel-id');
  if (given) return checkedId(given);
  const hash = createHash('sha256')
    .update(attributes.get('tvg-id') || url)
    .digest('hex');
  const number = BigInt(`0x${hash}`) % BigInt(ID_DIGITS ** CHANNEL_BYTES);
  return checkedId(number.toString(ID_DIGITS).padStart(CHANNEL_BYTES, '0'));
}

function checkedId(text: string): ChannelId {
  const id = parseChannelId(text);
  if (id === undefined || id.length > CHANNEL_BYTES) {
    throw new ConfigError(
      `"${text.slice(0, 40)}" is not a channel id, which is 1 to ${CHANNEL_BYTES} ASCII characters without spaces`,
    );
  }
  return id;
}

function jsonEntries(body: string, folder: string): Entry[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch (error) {
    // Its message quotes what it stumbled over, which may be a URL with a key.
    const [place = ''] = /\(line \d+ column \d+\)/.exec(String(error)) ?? [];
    throw new ConfigError(`the list is not valid JSON ${place}`.trimEnd());
  }
  if (!Array.isArray(parsed)) throw new ConfigError('the list must be a JSON array of channels');
  return parsed.map((value: unknown, index) => {
    const fields: Readonly<Record<string, unknown>> =
      typeof value === 'object' && value !== null ? { ...value } : {};
    const text = (name: string): string => {
      const field = fields[name] ?? '';
      if (typeof field !== 'string') throw new ConfigError(`"${name}" must be a string`);
      return field;
    };
    return {
      place: `channel ${index + 1}`,
      group: typeof fields.group === 'string' ? fields.group : '',
      define: () => ({
        id: checkedId(text('id')),
        name: text('name') || text('id'),
        group: text('group'),
        logo: text('logo'),
        inputs: jsonInputs(fields.inputs, folder),
      }),
    };
  });
}

function jsonInputs(value: unknown, folder: string): ChannelDefinition['inputs'] {
  const texts: readonly unknown[] = Array.isArray(value) ? value : [];
  const [first, ...more] = texts.map((text) => {
    if (typeof text !== 'string') throw new ConfigError('"inputs" must hold strings');
    return fromList(text, folder);
  });
  if (first === undefined) throw new ConfigError('"inputs" must hold at least one input');
  return [first, ...more];
}
