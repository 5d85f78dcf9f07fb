import { errors } from 'cassandra-driver';
import { describe, expect, test } from 'vitest';
import { StoreSetupError } from '../errors.ts';
import { CASSANDRA_SETUP_ERRORS } from './cassandra/setup-errors.ts';
import { DYNAMODB_SETUP_ERRORS } from './dynamodb/setup-errors.ts';
import { explain } from './setup-errors.ts';
import { SQLITE_SETUP_ERRORS } from './sqlite/setup-errors.ts';

function failure(fields: Readonly<Record<string, unknown>>): Error {
  return Object.assign(new Error('as it says'), fields);
}

/** Codes of SQLite: busy, locked, out of memory, input or output, full, cannot open, a table's lock. */
const MENDS = [5, 6, 7, 10, 13, 14];

describe('what mends by itself is no mistake in the settings', () => {
  test.each([
    ...MENDS.map((code) => ({ code })),
    ...['ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE', 'ENOENT'].map((code) => ({ code })),
  ])('of a file: %o', (fields) => {
    const error = failure(fields);
    expect(explain(SQLITE_SETUP_ERRORS, { SQLITE_PATH: 'file' }, error)).toBe(error);
  });

  test.each([
    { code: 'ENOTFOUND' },
    { code: 'EAI_AGAIN' },
    { code: 'ECONNREFUSED' },
    { name: 'InternalServerError' },
    { name: 'ServiceUnavailable' },
    { name: 'ThrottlingException' },
    { name: 'TimeoutError' },
  ])('of DynamoDB: %o', (fields) => {
    const error = failure(fields);
    expect(explain(DYNAMODB_SETUP_ERRORS, { DYNAMODB_TABLE_PREFIX: 'any' }, error)).toBe(error);
  });

  test.each([
    failure({ code: 'ENOTFOUND' }),
    failure({ code: 'ECONNREFUSED' }),
    new errors.OperationTimedOutError('no reply'),
    new errors.ResponseError(0x1000, 'too few replicas'),
    new errors.ResponseError(0x1002, 'bootstrapping'),
  ])('of Cassandra: %s', (error) => {
    expect(explain(CASSANDRA_SETUP_ERRORS, {} as never, error)).toBe(error);
  });
});

test('what does not is one line that names the setting, with the cause', () => {
  const error = failure({ code: 26 });
  const explained = explain(SQLITE_SETUP_ERRORS, { SQLITE_PATH: 'file' }, error) as Error;
  expect(explained).toBeInstanceOf(StoreSetupError);
  expect(explained.message).toBe('SQLITE_PATH=file cannot be opened: as it says');
  expect(explained.cause).toBe(error);
});
