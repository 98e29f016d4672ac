import { AccessError, explainFailure } from "../access/access-error.ts";
import type { FailureLog } from "../operations/log.ts";
import { type Stoppable, startTicking, stoppable } from "../operations/stoppable.ts";
import type { RedisClient } from "./client.ts";

/** NTP keeps clocks closer. Milliseconds. */
const noticedMs = 2_000;
/** A clock this near to a time in whole seconds, which took a moment to arrive, is right. */
const rightMs = 5_000;
/** Where nothing says which clock is wrong, no process follows one of Redis that is further ahead. */
const mostMs = 5 * 60_000;

/** How often a process compares its clock. Milliseconds. */
const compareEveryMs = 10_000;

/** A third clock, of a service that the process trusts: AWS or Slack, by TLS. */
export type TimeService = { readonly name: string; readonly ask: () => Promise<Date> };

type Moment = { readonly ms: number; readonly uptimeMs: number };

/**
 * This process's time. All processes share Redis' time where it is right. If this machine's clock differs from it, a third one decides:
 * that of AWS or Slack, or what both showed when they agreed last, continued by a clock that no one sets. Who has Redis can't hold
 * the time back. If nothing decides, it is the later one, so that no lease ends late.
 */
export class LedgerClock {
  readonly #service: TimeService | null;
  #correctionMs = 0;
  #aheadMs = 0;
  #wrong: AccessError | null = null;
  /** A time that was right. */
  #right: Moment | null = null;
  /** This process's time at the last look. */
  #looked: Moment | null = null;
  #lookSoon = () => {};

  constructor(service: TimeService | null = null) {
    this.#service = service;
  }

  /** If the machine's clock jumps, its time counts after the next look, which begins at once. */
  readonly now = (): Date => {
    const ms = Date.now() + this.#correctionMs;
    const elapsedMs = uptimeMs() - (this.#looked?.uptimeMs ?? 0);
    if (this.#looked === null || elapsedMs > 2 * compareEveryMs) return new Date(ms);
    const steadyMs = this.#looked.ms + elapsedMs;
    if (isRight(ms - steadyMs)) return new Date(ms);
    this.#lookSoon();
    return new Date(steadyMs);
  };

  /** How far this machine's clock is ahead of Redis', and which clock is wrong. */
  readonly state = () => ({
    aheadOfRedisSeconds: Math.round(this.#aheadMs / 1000) + 0,
    wrong: this.#wrong && explainFailure(this.#wrong),
  });

  /** Compares now, and every ten seconds until it is stopped. @param announce takes the first failure after a success */
  async follow(
    redis: RedisClient,
    failures: FailureLog,
    announce: (wrong: AccessError) => Promise<void>,
  ): Promise<Stoppable> {
    const what = "comparing the clock with Redis'";
    let isLooking = false;
    const look = async () => {
      if (isLooking) return;
      isLooking = true;
      const before = this.#wrong;
      await failures.during(what, {}, () => this.compare(redis));
      isLooking = false;
      if (before === null && this.#wrong !== null) await announce(this.#wrong);
    };
    this.#lookSoon = () => void look();
    await look();
    return stoppable(startTicking(compareEveryMs, look), what);
  }

  /** @throws AccessError `clock-wrong` */
  async compare(redis: Pick<RedisClient, "time">): Promise<void> {
    // Others say that Redis is away.
    const time = await redis.time().catch(() => null);
    if (time === null) return;
    const [seconds = 0, microseconds = 0] = time;
    const redisMs = Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
    this.#aheadMs = Date.now() - redisMs;
    const isAgreed = Math.abs(this.#aheadMs) < noticedMs;
    if (isAgreed) this.#right = { ms: redisMs, uptimeMs: uptimeMs() };
    const judged = isAgreed ? agreed : await this.#judge(this.#aheadMs);
    this.#correctionMs = judged.correctionMs;
    this.#looked = { ms: Date.now() + judged.correctionMs, uptimeMs: uptimeMs() };
    this.#wrong = judged.wrong;
    if (this.#wrong !== null) throw this.#wrong;
  }

  async #judge(aheadMs: number): Promise<Judged> {
    const served = (await this.#service?.ask().catch(() => null)) ?? null;
    if (served !== null) this.#right = { ms: served.getTime(), uptimeMs: uptimeMs() };
    const laterMs = aheadMs < 0 && aheadMs >= -mostMs ? -aheadMs : 0;
    const far = isRight(aheadMs) ? null : wrongMachine(aheadMs, aheadMs > 0 ? " of that of Redis" : " that of Redis");
    const unknown = { correctionMs: laterMs, wrong: far };
    if (this.#right === null) return unknown;
    const machineMs = Date.now() - (this.#right.ms + uptimeMs() - this.#right.uptimeMs);
    const redisMs = machineMs - aheadMs;
    if (isRight(machineMs)) {
      return isRight(redisMs)
        ? { correctionMs: laterMs, wrong: null }
        : { correctionMs: 0, wrong: wrongClock(`Redis' clock is ${off(redisMs)}`) };
    }
    if (isRight(redisMs)) return { correctionMs: -aheadMs, wrong: wrongMachine(machineMs, ", so Redis' time counts") };
    // A machine that slept continues an old time.
    if (served === null) return unknown;
    const then = `, so the time of ${this.#service?.name} counts, because Redis' clock is ${off(redisMs)}`;
    return { correctionMs: -machineMs, wrong: wrongMachine(machineMs, then) };
  }
}

interface Judged {
  /** What this machine's clock lacks. */
  readonly correctionMs: number;
  readonly wrong: AccessError | null;
}

const agreed: Judged = { correctionMs: 0, wrong: null };

function isRight(aheadMs: number): boolean {
  return Math.abs(aheadMs) <= rightMs;
}

function uptimeMs(): number {
  return process.uptime() * 1000;
}

function wrongMachine(aheadMs: number, then: string): AccessError {
  return wrongClock(`This machine's clock is ${off(aheadMs)}${then}`);
}

function wrongClock(what: string): AccessError {
  return new AccessError("clock-wrong", what);
}

function off(aheadMs: number): string {
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  const far = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
  return `${far} ${aheadMs > 0 ? "ahead" : "behind"}`;
}
