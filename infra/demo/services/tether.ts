import { isMainThread } from 'node:worker_threads';

/**
 * Loaded before a service of the demo (`node --import`), and before each of its threads. Its standard input is a pipe
 * from the demo, which ends with the demo, however that ends; and so does the service.
 */
if (isMainThread) {
  process.stdin.on('close', () => process.exit(1));
  process.stdin.resume().unref();
}
