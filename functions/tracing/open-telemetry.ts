import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { setGlobalErrorHandler, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { asError } from '../../shared/errors.ts';
import { TRACE_FLUSH_MS } from '../../shared/limits.ts';
import type { LogLimiter } from '../../shared/logger.ts';
import { type StoreName, systemNameOf } from '../../shared/store/engines.ts';
import { withTimeout } from '../../shared/with-timeout.ts';
import type { TracingSettings } from './settings.ts';
import type { Tracing } from './tracing.ts';

/** They are asked every few seconds and tell nothing. */
const PROBES = ['/healthz', '/readyz'];

const HEADERS = {
  get: (request: FastifyRequest, name: string) => request.headers[name],
  keys: (request: FastifyRequest) => Object.keys(request.headers),
};

/** Loaded only where traces are asked for. */
export function startTracing(
  settings: TracingSettings,
  store: StoreName,
  limiter: LogLimiter,
): Tracing {
  const report = (thrown: unknown) =>
    limiter.warn('traces were not taken by their collector', { err: asError(thrown) });
  setGlobalErrorHandler(report);
  const provider = new TracerProvider({
    resource: resourceOf(settings),
    sampler: samplerOf(settings),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter(),
        maxQueueSize: settings.queueMax,
        maxExportBatchSize: settings.batchMax,
        scheduledDelayMillis: settings.batchDelayMs,
        exportTimeoutMillis: settings.exportTimeoutMs,
      }),
    ],
  });
  return new OpenTelemetry(provider, settings.takesContext, systemNameOf(store), report);
}

function resourceOf({ serviceName }: TracingSettings) {
  const given = detectResources({ detectors: [envDetector] });
  const named = serviceName === undefined ? {} : { 'service.name': serviceName };
  return defaultResource().merge(given).merge(resourceFromAttributes(named));
}

function samplerOf({ sampler, ratio, followsCaller }: TracingSettings): Sampler {
  const root =
    sampler === 'always_on'
      ? new AlwaysOnSampler()
      : sampler === 'always_off'
        ? new AlwaysOffSampler()
        : new TraceIdRatioBasedSampler(ratio);
  return followsCaller ? new ParentBasedSampler({ root }) : root;
}

class OpenTelemetry implements Tracing {
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;
  readonly #takesContext: boolean;
  readonly #system: string;
  readonly #report: (thrown: unknown) => void;
  readonly #propagator = new W3CTraceContextPropagator();
  readonly #spans = new WeakMap<FastifyRequest, Span>();
  /** The span of the request that the present code works for. */
  readonly #underWay = new AsyncLocalStorage<Context>();
  #flushing: Promise<void> | undefined;

  constructor(
    provider: TracerProvider,
    takesContext: boolean,
    system: string,
    report: (thrown: unknown) => void,
  ) {
    this.#provider = provider;
    this.#tracer = provider.getTracer('streaming-service');
    this.#takesContext = takesContext;
    this.#system = system;
    this.#report = report;
  }

  watch(app: FastifyInstance): void {
    app.addHook('onRequest', (request, _reply, done) => {
      this.#begin(request);
      done();
    });
    // The body has been read by now: what follows is called from here.
    app.addHook('preHandler', (request, _reply, done) => {
      const span = this.#spans.get(request);
      if (span === undefined) return done();
      this.#underWay.run(trace.setSpan(ROOT_CONTEXT, span), done);
    });
    app.addHook('onError', (request, _reply, error, done) => {
      this.#spans.get(request)?.recordException(error);
      done();
    });
    app.addHook('onResponse', (request, reply, done) => {
      this.#end(request, reply);
      done();
    });
    app.addHook('onRequestAbort', (request, done) => {
      this.#end(request, undefined);
      done();
    });
  }

  async storeAsked<T>(operation: string, ask: () => Promise<T>): Promise<T> {
    const attributes = { 'db.system.name': this.#system, 'db.operation.name': operation };
    const span = this.#tracer.startSpan(
      operation,
      { kind: SpanKind.CLIENT, attributes },
      this.#underWay.getStore() ?? ROOT_CONTEXT,
    );
    try {
      return await ask();
    } catch (thrown) {
      const error = asError(thrown);
      span.recordException(error);
      span.setStatus({ code: SpanStatusCode.ERROR });
      span.setAttribute('error.type', error.name);
      throw thrown;
    } finally {
      span.end();
    }
  }

  /** While one hangs nobody waits for it again: what it has not handed over is lost, what came since is not. */
  async flush(): Promise<void> {
    if (this.#flushing !== undefined) return;
    this.#flushing = this.#provider
      .forceFlush()
      .catch(this.#report)
      .finally(() => {
        this.#flushing = undefined;
      });
    await withTimeout(this.#flushing, TRACE_FLUSH_MS).catch(() => {});
  }

  async close(): Promise<void> {
    await withTimeout(this.#provider.shutdown(), TRACE_FLUSH_MS).catch(this.#report);
  }

  #begin(request: FastifyRequest): void {
    const route = request.routeOptions.url;
    if (route !== undefined && PROBES.includes(route)) return;
    const parent = this.#takesContext
      ? this.#propagator.extract(ROOT_CONTEXT, request, HEADERS)
      : ROOT_CONTEXT;
    // Neither path nor address: they name a user.
    const attributes = {
      'http.request.method': request.method,
      'url.scheme': request.protocol,
      ...(route !== undefined && { 'http.route': route }),
    };
    const name = route === undefined ? request.method : `${request.method} ${route}`;
    const span = this.#tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent);
    this.#spans.set(request, span);
  }

  /** @param reply what was answered; undefined where the client did not wait for it */
  #end(request: FastifyRequest, reply: FastifyReply | undefined): void {
    const span = this.#spans.get(request);
    if (span === undefined) return;
    this.#spans.delete(request);
    if (reply === undefined) span.setAttribute('error.type', 'client_gone');
    else span.setAttribute('http.response.status_code', reply.statusCode);
    if (reply !== undefined && reply.statusCode >= 500) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      span.setAttribute('error.type', String(reply.statusCode));
    }
    span.end();
  }
}
