import { arns } from "../../sandbox/scene.ts";
import { AccessError } from "../../src/access/access-error.ts";
import type { AccessEntry } from "../../src/access-entry/entry-tags.ts";
import type { EntryCall } from "../../src/access-entry/plan-entry.ts";
import type { AccessEntries } from "../../src/aws/access-entries.ts";
import type { WorkerContext } from "../../src/worker/context.ts";
import { afterCall } from "../access-entry/entry-model.ts";
import { type Outcome, reviewsOnly } from "./direct-cluster.ts";
import type { Turns } from "./turns.ts";

type Opens = NonNullable<WorkerContext["openCluster"]>;
type Process = Pick<Turns, "point">;

/** EKS with a model of its own instead of the network: thousands of plays instead of a hundred. */
export interface DirectEntries {
  entryOf: (arn: string) => AccessEntry | null;
  /** A person's own edit, read and written in one step. */
  edit: (arn: string, edit: (entry: AccessEntry | null) => AccessEntry | null) => void;
  onChange: (listener: () => void) => void;
  /** For one process. `fates` are those of its calls that change something; all further ones are answered. */
  openFor: (process: Process, network: Pick<Turns, "join" | "point">, outcomes: readonly Outcome[]) => Opens;
  /** Time passes: what was sent late arrives as long as AWS takes its signature, and right before that ends. */
  passTo: (ms: number) => void;
}

const adds: ReadonlySet<string> = new Set(["set groups", "associate"]);

/** AWS takes a call as long as its time stamp is not older. Milliseconds. */
const signatureMs = 5 * 60_000;

/** @param clock by which calls are signed, milliseconds @param answersAdditions whether each call that can add is answered, whatever its outcome says */
export function directEntries(clock: { readonly ms: number }, answersAdditions = false): DirectEntries {
  const entries = new Map<string, AccessEntry>();
  const listeners: (() => void)[] = [];
  const late: { readonly untilMs: number; readonly arrive: () => void }[] = [];
  let clusterTags: Readonly<Record<string, string>> = {};
  const put = (arn: string, entry: AccessEntry | null) => {
    if (entry) entries.set(arn, entry);
    else entries.delete(arn);
    for (const listener of listeners) listener();
  };
  const change = (arn: string, call: EntryCall, entryArn?: string) => {
    const entry = entries.get(arn) ?? null;
    const isOther = entryArn !== undefined && entryArn !== "" && entry?.arn !== entryArn;
    const made = call.type === "create" ? { createdAt: new Date(clock.ms).toISOString() } : {};
    const after = afterCall(isOther ? null : entry, call);
    put(arn, after && { ...after, ...made });
  };
  const openFor: DirectEntries["openFor"] = (process, network, planned) => {
    const coming = [...planned];
    const { point } = process;
    const send = async (what: string, isGoneFine: boolean, arrive: () => void) => {
      const planned = coming.shift() ?? "answered";
      const outcome = answersAdditions && adds.has(what) ? "answered" : planned;
      await point(`${what} is sent`);
      if (outcome === "late") late.push({ untilMs: clock.ms + signatureMs - 1, arrive: () => quietly(arrive) });
      if (outcome === "unanswered") network.join(() => network.point(`${what} arrives`).then(() => quietly(arrive)));
      const failure = outcome === "answered" ? failureOf(arrive) : unanswered(what);
      await point(`${what} is answered`);
      if (failure && !(isGoneFine && failure.code === "access-entry-conflict")) throw failure;
    };
    const calls: AccessEntries = {
      list: async () => {
        await point("list");
        return [...entries.keys()];
      },
      describe: async (arn) => {
        await point("describe");
        const found = entries.get(arn) ?? null;
        await point("described");
        return found;
      },
      identityOf: async (arn) => {
        const found = await calls.describe(arn);
        return found && { username: found.username, groups: found.groups };
      },
      create: async (entry) => {
        await send("create", false, () => change(entry.principalArn, { type: "create", entry }));
        const { arn = "", createdAt } = entries.get(entry.principalArn) ?? {};
        return { arn, ...(createdAt && { createdAt }) };
      },
      setGroups: (arn, groups) => send("set groups", false, () => change(arn, { type: "set-groups", groups })),
      remove: (arn) => send("remove", true, () => put(arn, null)),
      associate: (arn, policy) => send("associate", false, () => change(arn, { type: "associate", policy })),
      disassociate: (arn, name) => send("disassociate", true, () => change(arn, { type: "disassociate", name })),
      tag: ({ principalArn, arn }, tags) => send("tag", false, () => change(principalArn, { type: "tag", tags }, arn)),
      untag: ({ principalArn, arn }, keys) =>
        send("untag", true, () => change(principalArn, { type: "untag", keys }, arn)),
      tagCluster: async (tags) => {
        clusterTags = { ...clusterTags, ...tags };
      },
      untagCluster: async (keys) => {
        clusterTags = Object.fromEntries(Object.entries(clusterTags).filter(([key]) => !keys.includes(key)));
      },
    };
    return async () => ({
      client: reviewsOnly(process),
      creatorArn: arns.creator,
      mode: "API",
      entries: calls,
      roleMadeAt: async () => "2026-01-01T00:00:00.000Z",
      tags: clusterTags,
      connectAs: () => Promise.reject(new Error("nobody asks")),
      close: () => {},
    });
  };
  return {
    entryOf: (arn) => entries.get(arn) ?? null,
    edit: (arn, edit) => put(arn, edit(entries.get(arn) ?? null)),
    onChange: (listener) => void listeners.push(listener),
    openFor,
    passTo: (ms) => {
      const [due, still] = [late.filter(({ untilMs }) => untilMs <= ms), late.filter(({ untilMs }) => untilMs > ms)];
      late.splice(0, late.length, ...still);
      for (const { arrive } of due) arrive();
    },
  };
}

function failureOf(arrive: () => void): AccessError | null {
  try {
    arrive();
    return null;
  } catch (error) {
    return new AccessError("access-entry-conflict", error instanceof Error ? error.message : "");
  }
}

/** A sender that no longer waits gets no answer from EKS. */
function quietly(arrive: () => void): void {
  failureOf(arrive);
}

function unanswered(what: string): AccessError {
  return new AccessError("aws-unreachable", `AWS did not answer ${what}`);
}
