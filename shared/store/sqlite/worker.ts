import { parentPort, workerData } from 'node:worker_threads';
import { monotonicMs } from '../../clock.ts';
import { StoreAwayError } from '../../errors.ts';
import { primaryCode, SqliteDatabase } from './database.ts';
import {
  SQLITE,
  type SqliteMessage,
  type SqliteReply,
  type SqliteRequest,
  type SqliteWorkerData,
} from './protocol.ts';

/**
 * node:sqlite is synchronous, so it has this thread to itself: a locked file or a slow disk holds up nothing but the
 * requests behind it.
 */

let opened: SqliteDatabase | undefined;

function answer(request: SqliteRequest): unknown {
  if (request.op === 'open') {
    opened = new SqliteDatabase((workerData as SqliteWorkerData).path);
    return undefined;
  }
  switch (request.op) {
    case 'register':
      return opened?.register(request.userId);
    case 'unregister':
      return opened?.unregister(request.userId, request.minute);
    case 'forgetUsage':
      return opened?.forgetUsage(request.userId, request.minute, request.since);
    case 'isRegistered':
      return opened?.isRegistered(request.userId);
    case 'saveUsage':
      return opened?.saveUsage(request.rows);
    case 'readUsage':
      return opened?.readUsage(request.userId, request.from, request.after);
    case 'sweep':
      return opened?.sweep(request.firstLiving);
    case 'announce':
      return opened?.announce(request.address, request.text, request.lifeSeconds);
    case 'withdraw':
      return opened?.withdraw(request.address);
    case 'readAnnouncements':
      return opened?.readAnnouncements();
    case 'ping':
      return opened?.ping();
    case 'close':
      return opened?.close();
  }
}

/** Codes of a file that was replaced or is no database: retrying does not help, opening the path anew may. */
const LOST: readonly unknown[] = ['REPLACED', SQLITE.CORRUPT, SQLITE.NOTADB];

function reply({ id, deadlineMs, request }: SqliteMessage): SqliteReply {
  if (monotonicMs() > deadlineMs)
    return { id, error: 'too late', code: SQLITE.BUSY, isLost: false };
  try {
    return { id, value: answer(request) };
  } catch (error) {
    const code = error instanceof StoreAwayError ? error.code : primaryCode(error);
    return { id, error: (error as Error).message, code, isLost: LOST.includes(code) };
  }
}

parentPort?.on('message', (message: SqliteMessage) => {
  parentPort?.postMessage(reply(message));
  if (message.request.op === 'close') parentPort?.close();
});
