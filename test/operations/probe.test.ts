import { afterEach, expect, test } from "vitest";
import { AccessError } from "../../src/access/access-error.ts";
import { isUsable, type Probe, startProbe } from "../../src/operations/health-server.ts";
import { at } from "../builders/times.ts";

const started: Probe[] = [];
afterEach(() => {
  for (const probe of started.splice(0)) probe.stop();
});

/** A service that can go away, with a manual clock. */
function aService() {
  const state = { away: null as Error | null, asked: 0, seconds: 0, heardAt: undefined as string | undefined };
  const probe = startProbe({
    ask: () => {
      state.asked += 1;
      return state.away ? Promise.reject(state.away) : Promise.resolve();
    },
    lastSuccess: () => state.heardAt,
    everyMs: 5,
    now: () => at(state.seconds),
  });
  started.push(probe);
  const askedAgain = async () => {
    const before = state.asked;
    await expect.poll(() => state.asked).toBeGreaterThan(before + 1);
  };
  return { state, probe, askedAgain };
}

test("a process that has nothing to do notices that its service is gone, since when and why, and that it is back", async () => {
  const { state, probe, askedAgain } = aService();
  await askedAgain();
  const before = probe.reach();

  state.seconds = 100;
  state.away = new AccessError("slack-unreachable", "Can't reach Slack");
  await askedAgain();
  state.seconds = 130;
  await askedAgain();
  const meanwhile = probe.reach();
  state.away = null;
  await askedAgain();

  expect(before).toEqual({ answers: true, since: at(0).toISOString(), why: null });
  expect(meanwhile).toMatchObject({ answers: false, since: at(100).toISOString() });
  expect(meanwhile.why).toContain("Can't reach Slack. Check the network path");
  expect(probe.reach()).toEqual({ answers: true, since: at(130).toISOString(), why: null });
});

test("a service is not asked where another call to it went well just now", async () => {
  const { state, probe, askedAgain } = aService();
  state.away = new Error("gone");
  await askedAgain();

  state.heardAt = at(state.seconds).toISOString();
  await expect.poll(() => probe.reach().answers).toBe(true);
  const asked = state.asked;
  await new Promise((resolve) => setTimeout(resolve, 30));

  expect(state.asked).toBe(asked);
});

test("one that hangs is not asked twice at once", async () => {
  let asked = 0;
  const ask = () => {
    asked += 1;
    return new Promise(() => {});
  };
  started.push(startProbe({ ask, lastSuccess: () => undefined, everyMs: 2, now: () => at(0) }));

  await new Promise((resolve) => setTimeout(resolve, 30));

  expect(asked).toBe(1);
});

test("a short failure of a service leaves a process ready, a minute makes it unready", () => {
  const away = { answers: false, since: at(0).toISOString(), why: "gone" };

  expect(isUsable(away, at(59))).toBe(true);
  expect(isUsable(away, at(60))).toBe(false);
  expect(isUsable({ answers: true, since: at(0).toISOString(), why: null }, at(3600))).toBe(true);
});
