import { isDeepStrictEqual } from "node:util";
import type { FleetCluster } from "../access/policy/fleet-list.ts";
import { type Config, readConfig } from "./config.ts";

/** Why a configuration can't replace the present one, each as a sentence with its fix; empty: it can. */
export type ConfigCheck = (next: Config, present: Config) => Promise<readonly string[]>;

/** The result of an offered text or fleet. */
export type Offer =
  | {
      readonly type: "replaced";
      /** Changed settings that keep their old value until a restart. */
      readonly afterRestart: readonly string[];
      /** Why clusters of the fleet are newly left out. */
      readonly left: readonly string[];
    }
  | { readonly type: "refused"; readonly problems: readonly string[] };

/** The configuration of a running process. A request or a run keeps its first one. */
export interface LiveConfig {
  readonly current: () => Config;
  /** Adds a check that each later text has to pass; with `also: "fleet"` each later fleet too. */
  readonly refuseIf: (check: ConfigCheck, also?: "fleet") => void;
  /** Called after each replacement. */
  readonly onReplaced: (follow: (present: Config, before: Config) => void) => void;
  /** Replaces the configuration by that of a text, as a whole or not at all. */
  readonly offer: (text: string) => Promise<Offer>;
  readonly follow: (clusters: readonly FleetCluster[]) => Promise<Offer>;
}

export interface ConfigText {
  readonly text: string;
  readonly config: Config;
}

export function liveConfig(first: ConfigText, now: () => Date): LiveConfig {
  let present = first.config;
  let source = { text: first.text, clusters: [] as readonly FleetCluster[] };
  const checks: { readonly check: ConfigCheck; readonly isForFleet: boolean }[] = [];
  const followers: ((present: Config, before: Config) => void)[] = [];
  const replace = async (change: Partial<typeof source>): Promise<Offer> => {
    const next = { ...source, ...change };
    const reading = readConfig(next.text, { clusters: next.clusters, now: now() });
    if (reading.type === "invalid") return { type: "refused", problems: reading.problems };
    const { config } = reading;
    const due = checks.filter(({ isForFleet }) => isForFleet || change.text !== undefined);
    const found = await Promise.all(due.map(({ check }) => check(config, present)));
    const left = config.fleet?.problems.filter((problem) => !present.fleet?.problems.includes(problem)) ?? [];
    // This text leaves them out, not the account's tags.
    const problems = [...found.flat(), ...(change.text === undefined ? [] : left)];
    if (problems.length > 0) return { type: "refused", problems };
    const afterRestart = fixed.flatMap(({ path, of }) => (isDeepStrictEqual(of(config), of(present)) ? [] : [path]));
    const before = present;
    present = withFixed(config, before);
    source = next;
    for (const follow of followers) follow(present, before);
    return { type: "replaced", afterRestart, left };
  };
  let offered: Promise<unknown> = Promise.resolve();
  const inTurn = (change: Partial<typeof source>) => {
    const next = offered.then(() => replace(change));
    offered = next.catch(() => {});
    return next;
  };
  return {
    current: () => present,
    refuseIf: (check, also) => void checks.push({ check, isForFleet: also === "fleet" }),
    onReplaced: (follow) => void followers.push(follow),
    offer: (text) => inTurn({ text }),
    follow: (clusters) => inTurn({ clusters }),
  };
}

/** Connections, timers and Slack's app use them from the start. */
const fixed: readonly { readonly path: string; readonly of: (config: Config) => unknown }[] = [
  { path: "slack", of: ({ slack }) => slack },
  { path: "timing.sweepEvery", of: ({ timing }) => timing.sweepEverySeconds },
  { path: "timing.deadlines", of: ({ timing }) => timing.deadlines },
];

function withFixed(next: Config, { slack, timing }: Config): Config {
  const { sweepEverySeconds, deadlines } = timing;
  return { ...next, slack, timing: { ...next.timing, sweepEverySeconds, deadlines } };
}
