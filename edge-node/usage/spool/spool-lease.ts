import type { Clock } from '../../../shared/clock.ts';
import { SPOOL_LEASE_MS, SPOOL_LEASE_RENEW_MS } from '../../../shared/limits.ts';
import type { SpoolFolder, SpoolListing } from './spool-folder.ts';

/**
 * Shows others that this process lives, as long as it has files in the folder: then they leave those to it. A lease that
 * cannot be renewed does no harm: the same rows are stored by two, and count once.
 */
export class SpoolLease {
  readonly #folder: SpoolFolder;
  readonly #owner: string;
  readonly #clock: Clock;
  #timer: NodeJS.Timeout | undefined;
  #renewing: Promise<void> | undefined;

  constructor(folder: SpoolFolder, owner: string, clock: Clock) {
    this.#folder = folder;
    this.#owner = owner;
    this.#clock = clock;
  }

  /** Resolves once the lease was shown, or could not be; from then on it is renewed. */
  async hold(): Promise<void> {
    if (this.#timer !== undefined) return this.#renewing;
    this.#timer = setInterval(() => this.#renew(), SPOOL_LEASE_RENEW_MS).unref();
    await this.#renew();
  }

  async release(): Promise<void> {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#renewing;
    await this.#folder.removeLease(this.#owner).catch(() => {});
  }

  #renew(): Promise<void> {
    this.#renewing ??= this.#folder
      .touchLease(this.#owner, this.#clock.epochMs())
      .catch(() => {})
      .finally(() => {
        this.#renewing = undefined;
      });
    return this.#renewing;
  }
}

interface Sighting {
  readonly touchedMs: number;
  /** Monotonic: since when this process has seen the lease so. */
  readonly sinceMs: number;
}

/** Whose leases are renewed, as far as this process has seen. Clocks of others play no part. */
export class OtherLeases {
  readonly #sightings = new Map<string, Sighting>();
  /** Known to be dead, though their leases may be fresh. */
  readonly #dead = new Set<string>();

  observe(leases: SpoolListing['leases'], nowMs: number): void {
    const owners = new Set(leases.map(({ owner }) => owner));
    for (const owner of this.#sightings.keys()) {
      if (!owners.has(owner)) this.#sightings.delete(owner);
    }
    for (const owner of this.#dead) if (!owners.has(owner)) this.#dead.delete(owner);
    for (const { owner, touchedMs } of leases) {
      if (this.#sightings.get(owner)?.touchedMs === touchedMs) continue;
      this.#sightings.set(owner, { touchedMs, sinceMs: nowMs });
    }
  }

  /** Whoever knows says that the owner is dead. */
  died(owner: string): void {
    this.#dead.add(owner);
  }

  isAlive(owner: string, nowMs: number): boolean {
    const sighting = this.#sightings.get(owner);
    if (this.#dead.has(owner)) return false;
    return sighting !== undefined && nowMs - sighting.sinceMs < SPOOL_LEASE_MS;
  }
}
