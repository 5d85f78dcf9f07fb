import { describe, expect, it } from 'vitest';
import { streamToken } from '../../shared/testing/jwt.ts';
import { headersOf, parseViewer } from './viewer.ts';

describe('what a viewer enters', () => {
  it('is an id, or a token that names its user', () => {
    expect(parseViewer(' ü-1 ')).toEqual({ user: 'ü-1', token: undefined });
    const token = streamToken({ sub: 'ü-1' });
    const viewer = parseViewer(`${token}\n`);
    expect(viewer).toEqual({ user: 'ü-1', token });
    expect(viewer && headersOf(viewer)).toEqual({ authorization: `Bearer ${token}` });
  });

  it('is nothing where a token names no user', () => {
    expect([' ', 'eyJhIjox.bm90aGluZw.x', 'eyJhIjox.eyJzdWIiOjF9.x'].map(parseViewer)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
