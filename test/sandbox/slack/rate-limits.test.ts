import fc from "fast-check";
import { expect, test } from "vitest";
import { rateCounter } from "../../../sandbox/slack/method.ts";

const limits = fc.record({ perMinute: fc.integer({ min: 1, max: 120 }), burst: fc.integer({ min: 1, max: 50 }) });
const pauses = fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 1, maxLength: 200 });

test("in any time at most the burst and the added calls pass", () => {
  fc.assert(
    fc.property(limits, pauses, (limit, waits) => {
      let at = 0;
      let passed = 0;
      const count = rateCounter(() => new Date(at));

      for (const wait of waits) {
        at += wait;
        if (count("chat.update", limit) === undefined) passed += 1;
      }

      expect(passed).toBeLessThanOrEqual(limit.burst + (at * limit.perMinute) / 60_000 + 1e-6);
    }),
  );
});

test("a caller that waits as long as asked passes", () => {
  fc.assert(
    fc.property(limits, pauses, (limit, waits) => {
      let at = 0;
      const count = rateCounter(() => new Date(at));

      for (const wait of waits) {
        at += wait;
        const seconds = count("chat.update", limit);
        if (seconds === undefined) continue;
        at += seconds * 1_000;
        expect(count("chat.update", limit)).toBeUndefined();
      }
    }),
  );
});

test("one key does not use up what another may", () => {
  const count = rateCounter(() => new Date(0));
  const limit = { perMinute: 60, burst: 1 };

  const answers = [count("C0ONE", limit), count("C0ONE", limit), count("C0TWO", limit)];

  expect(answers).toEqual([undefined, 1, undefined]);
});
