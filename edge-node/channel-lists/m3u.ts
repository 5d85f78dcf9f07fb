import type { Headers } from './input-url.ts';
import { parseHeaders } from './input-url.ts';

/** A channel as a list has it: nothing is checked but the form. */
export interface M3uEntry {
  /** Line of the URL, counted from 1. */
  readonly line: number;
  readonly url: string;
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly group: string;
  readonly headers: Headers;
}

interface Pending {
  name: string;
  attributes: Map<string, string>;
  group: string;
  headers: Record<string, string>;
}

const HEADER_OPTIONS: Readonly<Record<string, string>> = {
  'http-user-agent': 'User-Agent',
  'http-referrer': 'Referer',
  'http-referer': 'Referer',
  'http-origin': 'Origin',
};

/** Whether this is the playlist of one HLS stream, whose lines are pieces and no channels. */
export const isHlsPlaylist = (text: string): boolean =>
  /^#EXT-X-(TARGETDURATION|STREAM-INF|MEDIA-SEQUENCE)/m.test(text);

/**
 * Reads an extended M3U as operators' lists really are: with a byte order mark, any line ends, attributes in double,
 * single or no quotes, commas in quotes and in names, quotes that never close, unknown directives. It never throws.
 *
 *     #EXTINF:-1 tvg-id="one.example" group-title="News, local",The name, with a comma
 *     #EXTVLCOPT:http-user-agent=…
 *     http://host/stream|User-Agent=…&Referer=…
 */
export function readM3u(text: string): M3uEntry[] {
  const entries: M3uEntry[] = [];
  let pending = nothing();
  text.split(/\r\n|\n|\r/).forEach((raw, index) => {
    const line = (index === 0 ? raw.replace(/^\uFEFF/, '') : raw).trim();
    if (line === '') return;
    if (!line.startsWith('#')) {
      entries.push({ line: index + 1, url: line, ...pending });
      pending = nothing();
      return;
    }
    const [directive = '', value = ''] = line.split(/:(.*)/s, 2);
    takeDirective(pending, directive.toUpperCase(), value.trim());
  });
  return entries;
}

function nothing(): Pending {
  return { name: '', attributes: new Map(), group: '', headers: {} };
}

function takeDirective(pending: Pending, directive: string, value: string): void {
  if (directive === '#EXTINF') {
    const { attributes, name } = readInfo(value);
    pending.attributes = attributes;
    pending.name = name;
    pending.group = attributes.get('group-title') ?? pending.group;
  } else if (directive === '#EXTGRP') {
    pending.group = value;
  } else if (directive === '#EXTVLCOPT') {
    const [option = '', setting = ''] = value.split(/=(.*)/s, 2);
    const header = HEADER_OPTIONS[option.trim().toLowerCase()];
    if (header)
      Object.assign(pending.headers, parseHeaders(`${header}=${encodeURIComponent(setting)}`));
  }
}

/** Duration, attributes, and after the first comma outside of quotes the name. */
function readInfo(value: string): { attributes: Map<string, string>; name: string } {
  const attributes = new Map<string, string>();
  let rest = value.replace(/^[-+\d.\s]*/, '');
  for (;;) {
    const found = /^\s*([\w-]+)=(?:"([^"]*)"|'([^']*)'(?=[\s,]|$)|([^\s,]*))/.exec(rest);
    if (found === null) break;
    const [whole, key = '', double, single, bare = ''] = found;
    attributes.set(key.toLowerCase(), (double ?? single ?? bare).trim());
    rest = rest.slice(whole.length);
  }
  const [, name = ''] = rest.split(/,(.*)/s, 2);
  return { attributes, name: name.trim() };
}
