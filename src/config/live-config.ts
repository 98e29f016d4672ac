import { isDeepStrictEqual } from "node:util";
import { type Config, readConfig } from "./config.ts";

/** Why a configuration can't replace the present one, each as a sentence with its fix; empty: it can. */
export type ConfigCheck = (next: Config, present: Config) => Promise<readonly string[]>;

/** What became of an offered text. */
export type Offer =
  | {
      readonly type: "replaced";
      /** Changed settings that keep their old value until a restart. */
      readonly afterRestart: readonly string[];
    }
  | { readonly type: "refused"; readonly problems: readonly string[] };

/** The configuration of a running process. A request or a run keeps the one with which it began. */
export interface LiveConfig {
  readonly current: () => Config;
  /** Adds a check that each later configuration has to pass. */
  readonly refuseIf: (check: ConfigCheck) => void;
  /** Replaces the configuration by that of a text, as a whole or not at all. */
  readonly offer: (text: string) => Promise<Offer>;
}

export function liveConfig(first: Config): LiveConfig {
  let present = first;
  const checks: ConfigCheck[] = [];
  const offer = async (text: string): Promise<Offer> => {
    const reading = readConfig(text);
    if (reading.type === "invalid") return { type: "refused", problems: reading.problems };
    const found = await Promise.all(checks.map((check) => check(reading.config, present)));
    const problems = found.flat();
    if (problems.length > 0) return { type: "refused", problems };
    const afterRestart = fixed.flatMap(({ path, of }) =>
      isDeepStrictEqual(of(reading.config), of(present)) ? [] : [path],
    );
    present = withFixed(reading.config, present);
    return { type: "replaced", afterRestart };
  };
  let offered: Promise<unknown> = Promise.resolve();
  return {
    current: () => present,
    refuseIf: (check) => void checks.push(check),
    offer: (text) => {
      const next = offered.then(() => offer(text));
      offered = next.catch(() => {});
      return next;
    },
  };
}

/** Connections, timers and the app of Slack are made with them at the start. */
const fixed: readonly { readonly path: string; readonly of: (config: Config) => unknown }[] = [
  { path: "slack", of: ({ slack }) => slack },
  { path: "timing.sweepEvery", of: ({ timing }) => timing.sweepEverySeconds },
  { path: "timing.deadlines", of: ({ timing }) => timing.deadlines },
];

function withFixed(next: Config, { slack, timing }: Config): Config {
  const { sweepEverySeconds, deadlines } = timing;
  return { ...next, slack, timing: { ...next.timing, sweepEverySeconds, deadlines } };
}
