import { describe, expect, it } from 'vitest';
import { LIMITS, ReorderRig } from './testing/reorder-rig.ts';

const at = (low: number) => ({ high: 0, low });

describe('a channel whose first sequence is told', () => {
  it('begins there at once, with nothing from before it', () => {
    const rig = new ReorderRig();
    rig.buffer.begin(at(100));
    rig.pushAll([101n, 99n, 100n, 98n, 102n]);
    expect(rig.sequences).toEqual([100n, 101n, 102n]);
    expect(rig.buffer.counters).toMatchObject({ lost: 0, late: 2, restarts: 0, jumps: 0 });
  });

  it('does not wait for what is told to be lost, and waits for what is not', () => {
    const rig = new ReorderRig();
    rig.buffer.begin(at(100));
    rig.pushAll([102n, 103n, 106n]);
    rig.buffer.giveUpBefore(at(104));
    expect(rig.sequences).toEqual([102n, 103n]);
    rig.pushAll([105n, 104n]);
    expect(rig.sequences).toEqual([102n, 103n, 104n, 105n, 106n]);
    expect(rig.buffer.counters.lost).toBe(2);
  });

  it('is not moved by what is told of another epoch, or while it settles', () => {
    const rig = new ReorderRig();
    rig.buffer.giveUpBefore(at(7));
    rig.buffer.begin(at(100));
    rig.buffer.giveUpBefore(at(50));
    rig.buffer.giveUpBefore(at(100 + 2 * LIMITS.maxPackets));
    rig.push(100n);
    expect(rig.sequences).toEqual([100n]);
    expect(rig.buffer.counters.lost).toBe(0);
  });
});
