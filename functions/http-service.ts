import { HttpListener } from '../shared/http/http-listener.ts';
import { HTTP_MAX_CONNECTIONS, RESERVED_FILES } from '../shared/limits.ts';
import { LogLimiter } from '../shared/logger.ts';
import { OpenFilesWatch, openFilesLimit } from '../shared/open-files.ts';
import { type AppParts, buildApp } from './app.ts';

/** The app behind its port. */
export interface HttpService {
  /** Such as http://127.0.0.1:8080. */
  readonly origin: string;
  /** Tells clients for `drainMs` to let go of their connections, then answers what is under way, and ends. */
  stop(drainMs: number): Promise<void>;
}

/** @throws the listener's error, such as EADDRINUSE */
export async function startHttpService(
  parts: Omit<AppParts, 'isDraining'>,
  host: string,
  port: number,
): Promise<HttpService> {
  const log = new LogLimiter(parts.logger);
  const app = buildApp({ ...parts, isDraining: () => listener.isDraining });
  await app.ready();
  const listener = new HttpListener({
    handler: app.routing,
    maxConnections: Math.max(1, Math.min(HTTP_MAX_CONNECTIONS, openFilesLimit() - RESERVED_FILES)),
    log,
  });
  const bound = await listener.listen(host, port);
  const files = new OpenFilesWatch(log);
  files.start();
  const name = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
  return {
    origin: `http://${name}:${bound.port}`,
    async stop(drainMs) {
      await listener.drain(drainMs);
      await listener.close();
      await app.close();
      files.stop();
      log.flush();
    },
  };
}
