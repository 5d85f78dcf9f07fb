import { describe, expect, test } from 'vitest';
import { parseUserId } from './ids.ts';

describe('a user id', () => {
  test.each(['.', '..'])('%s is none: a client takes it for a step in the path of /usage', (id) => {
    expect(new URL(`http://localhost/usage/${id}`).pathname).not.toContain(id);
    expect(parseUserId(id)).toBeUndefined();
  });

  test.each(['...', '.a', 'a..', 'user.1'])('%s is one, and stays itself in a path', (id) => {
    expect(new URL(`http://localhost/usage/${id}`).pathname).toBe(`/usage/${id}`);
    expect(parseUserId(id)).toBe(id);
  });
});
