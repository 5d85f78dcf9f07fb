import { join } from 'node:path';
import type { EmbeddedEngine } from './engine-kind.ts';

const FILE = 'store.db';

export const SQLITE: EmbeddedEngine = {
  kind: 'embedded',
  environment: (folder) => ({ SQLITE_PATH: join(folder, FILE) }),
  files: (folder) => ['', '-wal', '-shm'].map((suffix) => join(folder, FILE + suffix)),
};
