import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProductProcess } from "../../sandbox/product-process.ts";

/**
 * At its start and at each SIGUSR2 a process sets its clock as far ahead as the file says, in milliseconds. What it repeats and would
 * have done meanwhile, it does at once.
 */
const movedClock = `
  const { readFileSync } = require("node:fs");
  const real = Date.now;
  const [start, clear] = [setInterval, clearInterval];
  const repeated = new Map();
  globalThis.setInterval = (act, everyMs, ...given) => {
    const timer = start(act, everyMs, ...given);
    repeated.set(timer, { everyMs, act: () => act(...given) });
    return timer;
  };
  globalThis.clearInterval = (timer) => { repeated.delete(timer); clear(timer); };
  let ahead = 0;
  const set = () => {
    const before = ahead;
    ahead = Number(readFileSync(__dirname + "/ahead", "utf8"));
    for (const { everyMs, act } of [...repeated.values()]) if (ahead - before >= everyMs) act();
  };
  set();
  process.on("SIGUSR2", set);
  globalThis.Date = new Proxy(Date, {
    construct: (RealDate, args, target) =>
      Reflect.construct(RealDate, args.length === 0 ? [real() + ahead] : args, target),
  });
  Date.now = () => real() + ahead;
  // The whole world's time: the process believes neither its own clock alone nor that of Redis.
  const uptime = process.uptime;
  process.uptime = () => uptime() + ahead / 1000;
  const ask = globalThis.fetch;
  globalThis.fetch = async (...given) => {
    const { status, body, headers } = await ask(...given);
    const moved = new Headers(headers);
    moved.set("date", new Date(real() + ahead).toUTCString());
    return new Response(body, { status, headers: moved });
  };
`;

/**
 * A clock that a test moves on, so that what a lease is for takes as long as the machine needs, and its end comes when the test
 * wants it. Single timers run on as they do. AWS refuses signatures that are five minutes off, so it moves by less.
 */
export interface MovedClock {
  /** For the processes that have this clock. */
  readonly environment: Readonly<Record<string, string>>;
  /** @param seconds after the real time, and not after the last move */
  moveTo: (seconds: number, processes: readonly ProductProcess[]) => void;
  /** After its processes. */
  remove: () => void;
}

export function aMovedClock(): MovedClock {
  const { folder, ...preloaded } = preloading(movedClock, "0");
  return {
    ...preloaded,
    moveTo: (seconds, processes) => {
      writeFileSync(join(folder, "ahead"), String(seconds * 1000));
      for (const { pid } of processes) process.kill(pid, "SIGUSR2");
    },
  };
}

/** For processes that run this text first, with a file `ahead` beside it. A snapshot, as `bundledProduct` is, can't import. */
export function preloading(text: string, ahead = "") {
  const folder = mkdtempSync(join(tmpdir(), "eks-access-preloaded-"));
  const script = join(folder, "preloaded.cjs");
  writeFileSync(script, text);
  writeFileSync(join(folder, "ahead"), ahead);
  const environment: Readonly<Record<string, string>> = { NODE_OPTIONS: `--require=${JSON.stringify(script)}` };
  return { folder, environment, remove: () => rmSync(folder, { recursive: true }) };
}
