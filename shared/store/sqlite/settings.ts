import { setting, text, type Values } from '../../config/setting.ts';

export const SQLITE_SETTINGS = {
  SQLITE_PATH: setting(
    text,
    'data/streaming-service.db',
    'File of the SQLite store, shared by both processes of one machine.',
  ),
} as const;

export type SqliteConfig = Values<typeof SQLITE_SETTINGS>;
