import { hash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { FleetCluster } from "../access/policy/fleet-list.ts";
import type { Proposed } from "./clusters.ts";
import { type Config, lostGuards, neededBy, readConfig } from "./config.ts";

export type Next = Pick<Proposed, "places" | "clusters"> & { readonly hasWebhook: boolean };

/** Why a configuration can't replace the present one, each as a sentence with its fix; empty: it can. */
export type ConfigCheck = (next: Next, present: Config) => Promise<readonly string[]>;

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
  /** A context with the configuration of the moment. */
  readonly with: <Given extends object>(given: Given) => () => Given & { readonly config: Config };
  /** Adds a check that each later text has to pass; with `also: "fleet"` each later fleet too. */
  readonly refuseIf: (check: ConfigCheck, also?: "fleet") => void;
  readonly onReplaced: (follow: (present: Config, before: Config) => void) => void;
  /** Replaces the configuration by that of a text, as a whole or not at all. */
  readonly offer: (text: string) => Promise<Offer>;
  readonly follow: (clusters: readonly FleetCluster[]) => Promise<Offer>;
  /** Why `follow` would newly leave some of these out. */
  readonly wouldLeave: (clusters: readonly FleetCluster[]) => readonly string[];
}

export function liveConfig(first: { readonly text: string; readonly config: Config }, now: () => Date): LiveConfig {
  let present = first.config;
  let source = { text: first.text, clusters: [] as readonly FleetCluster[] };
  const checks: { readonly check: ConfigCheck; readonly isForFleet: boolean }[] = [];
  const followers: ((present: Config, before: Config) => void)[] = [];
  const newlyLeft = (left: readonly string[] = []) => left.filter((each) => !present.fleet?.problems.includes(each));
  const replace = async (change: Partial<typeof source>): Promise<Offer> => {
    const next = { ...source, ...change };
    const reading = readConfig(next.text, { clusters: next.clusters, now: now() });
    const due = checks.filter(({ isForFleet }) => isForFleet || change.text !== undefined);
    const findIn = async (proposed: Omit<Next, "hasWebhook">) => {
      const offered = { ...proposed, hasWebhook: neededBy(next.text).hasWebhook ?? false };
      return (await Promise.all(due.map(({ check }) => check(offered, present)))).flat();
    };
    if (reading.type === "invalid") {
      const { problems, left, proposed } = reading;
      const besides = proposed ? await findIn(withHidden(proposed, present)) : [];
      return { type: "refused", problems: [...problems, ...besides, ...newlyLeft(left)] };
    }
    const { config } = reading;
    const found = await findIn({ places: config.clusters, clusters: config.clusters });
    const left = newlyLeft(config.fleet?.problems);
    // This text leaves them out, not the account's tags.
    const problems = [...found, ...(change.text === undefined ? [] : [...left, ...lostGuards(source.text, next.text)])];
    if (problems.length > 0) return { type: "refused", problems };
    const afterRestart = fixed.flatMap(({ path, of }) => (isDeepStrictEqual(of(config), of(present)) ? [] : [path]));
    const before = present;
    const { slack, timing } = before;
    const { sweepEverySeconds, deadlines } = timing;
    present = { ...config, slack, timing: { ...config.timing, sweepEverySeconds, deadlines } };
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
    with: (given) => () => ({ ...given, config: present }),
    refuseIf: (check, also) => void checks.push({ check, isForFleet: also === "fleet" }),
    onReplaced: (follow) => void followers.push(follow),
    offer: (text) => inTurn({ text }),
    follow: (clusters) => inTurn({ clusters }),
    wouldLeave: (clusters) => {
      const reading = readConfig(source.text, { clusters, now: now() });
      return newlyLeft(reading.type === "invalid" ? reading.left : reading.config.fleet?.problems);
    },
  };
}

function withHidden({ places, clusters, hasFleet }: Proposed, { fleet }: Config): Omit<Next, "hasWebhook"> {
  const hidden = hasFleet ? [...(fleet?.names.values() ?? [])].map((name) => [name, null] as const) : [];
  return { places: new Map([...hidden, ...places]), clusters };
}

/** Connections, timers and Slack's app use them from the start. */
const fixed: readonly { readonly path: string; readonly of: (config: Config) => unknown }[] = [
  { path: "slack", of: ({ slack }) => slack },
  { path: "timing.sweepEvery", of: ({ timing }) => timing.sweepEverySeconds },
  { path: "timing.deadlines", of: ({ timing }) => timing.deadlines },
];

/** The text of a file, or the mistake behind a file that can't be read, with its fix. */
export type FileReading =
  | { readonly type: "text"; readonly text: string; readonly digest: string }
  | { readonly type: "unreadable"; readonly problem: string };

export async function readConfigFile(file: string): Promise<FileReading> {
  try {
    const text = await readFile(file, "utf8");
    return { type: "text", text, digest: hash("sha256", text) };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    const problem = problemsByCode[code] ?? `can't read it (${code}). Set EKS_ACCESS_CONFIG to another file.`;
    return { type: "unreadable", problem: `${file}: ${problem}` };
  }
}

const problemsByCode: Readonly<Record<string, string>> = {
  ENOENT: "no such file. Copy eks-access.example.yml to it, or set EKS_ACCESS_CONFIG.",
  EACCES: "permission denied. Let this process read it.",
  EISDIR: "it is a directory. Mount the file there.",
};

/** An editor can write a file in parts: a text counts if it is the same after `settlesMs`. */
const usual = { everyMs: 2_000, settlesMs: 500, waited };
/** A refused text can become right unchanged: an approver comes back, a lease ends. */
const offerAgainMs = 60_000;

export interface FileWatch {
  /** Reads the file again now, also if its text is the same. */
  readonly reread: () => void;
  readonly stop: () => Promise<void>;
}

/**
 * Reads a file every two seconds, and offers each new text. It compares texts, because Kubernetes replaces a mounted file by changing
 * a link.
 *
 * @param first the digest of the text in force
 * @param take true: the text is settled; false: offer it again in a minute
 */
export function watchFile(
  file: string,
  first: string,
  take: (reading: FileReading) => Promise<boolean>,
  { everyMs, settlesMs, waited: wait } = usual,
): FileWatch {
  const stopping = new AbortController();
  let known = first;
  let offerAt = 0;
  const look = async () => {
    const before = await readConfigFile(file);
    const again = offerAt > 0 && Date.now() >= offerAt;
    if (keyOf(before) === known && !again) return;
    if (!(await wait(settlesMs, stopping.signal))) return;
    const reading = await readConfigFile(file);
    if (keyOf(reading) !== keyOf(before)) return;
    known = keyOf(reading);
    offerAt = (await take(reading)) ? 0 : Date.now() + offerAgainMs;
  };
  const watching = (async () => {
    while (await wait(everyMs, stopping.signal)) await look();
  })();
  return {
    reread: () => {
      known = "";
    },
    stop: () => {
      stopping.abort();
      return watching;
    },
  };
}

function keyOf(reading: FileReading): string {
  return reading.type === "text" ? reading.digest : reading.problem;
}

/** False: the watch ends. */
async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  return pause(ms, true, { signal, ref: false }).catch(() => false);
}
